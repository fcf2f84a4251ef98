"""``python -m bot`` is the same as ``platform-sync``."""

import bot.cli_people  # noqa: F401 # adds the verbs about one person
from bot.cli import app

if __name__ == "__main__":
    app()
