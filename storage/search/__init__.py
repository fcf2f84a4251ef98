"""The door to searching the archive."""
