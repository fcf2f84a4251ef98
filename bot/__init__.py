"""The process: what runs, when, and what it tells."""
