"""The daemon with a clock that a test moves while it runs, in a process of its own.

The clock is ahead of the true time by the seconds that stand in the file named by ``SKEW_FILE``.
"""

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path

from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot import app, logs
from bot.config import load
from bot.metrics import Metrics

SKEW_FILE = "SKEW_FILE"


def set_skew(file: Path, skew: timedelta) -> None:
    """Let the daemon's clock jump; in one step, so that it never reads half of it."""
    fresh = file.with_suffix(".next")
    fresh.write_text(str(skew.total_seconds()))
    fresh.replace(file)


def main() -> None:
    """Run the daemon until SIGTERM."""
    settings, metrics, file = load(None), Metrics(), Path(os.environ[SKEW_FILE])
    logs.set_up(settings.log.level, settings.log.format, None, secrets=settings.secrets)
    hasher, discord = UserHasher(None), settings.platforms["discord"]
    assert discord.token is not None
    adapter = PLATFORMS["discord"].make(
        token=discord.token.get_secret_value(), options=discord.options, hasher=hasher, observer=metrics
    )

    def clock() -> datetime:
        return app.utc_now() + timedelta(seconds=float(file.read_text()))

    asyncio.run(app.run(settings, hasher, {"discord": adapter}, metrics=metrics, clock=clock))


if __name__ == "__main__":
    main()
