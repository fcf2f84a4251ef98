"""Keeping records. The only room with SQL."""
