"""Talking to platforms: what a platform's data becomes, and who fetches it."""
