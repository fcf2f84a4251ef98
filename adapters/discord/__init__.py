"""Discord, spoken through discord.py."""
