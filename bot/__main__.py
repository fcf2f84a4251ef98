"""``python -m bot`` is the same as ``platform-sync``."""

from bot.cli import app

app()
