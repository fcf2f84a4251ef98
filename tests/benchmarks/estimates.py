"""How good the estimated end of a running sync is, at 25, 50 and 75 % of the time it really took."""

import tempfile
import time
from datetime import datetime
from pathlib import Path

from tests.benchmarks.processes import Rows, daemon, simulator

_WORLDS = {
    "40 equal channels of 600": ("--world", "uniform", "--channels", "40", "--messages", "600"),
    "10 channels, each twice the next, 12,000": ("--world", "uneven", "--sizes", "12000", "--channels", "10"),
    "the demo's community, 20,000": ("--world", "demo"),
}
# Much faster than Discord allows, in the same proportion, so that it ends today.
_PACED = {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "300",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "60",
    "PLATFORM_SYNC_DISCORD__REACTION_REQUESTS_PER_SECOND": "60",
}
_AT = (0.25, 0.5, 0.75)


def estimates() -> Rows:
    """One row a world: the error of the whole duration as estimated then, in percent of the true one."""
    return [(name, *_errors(world)) for name, world in _WORLDS.items()]


def _errors(world: tuple[str, ...]) -> list[str]:
    estimated: list[tuple[datetime, str | None]] = []
    with tempfile.TemporaryDirectory() as folder, simulator(*world) as discord:
        url = f"sqlite+aiosqlite:///{folder}/archive.db"
        with daemon(discord, Path(folder), url, **_PACED) as running:
            while not (tenants := running.tenants()):
                time.sleep(0.1)
            while (job := running.job(tenants[0]["id"]))["finished_at"] is None:
                estimated.append((datetime.now().astimezone(), job["estimated_completion_at"]))
                time.sleep(0.5)
    began, ended = (datetime.fromisoformat(job[key]) for key in ("started_at", "finished_at"))
    true = (ended - began).total_seconds()
    errors = []
    for share in _AT:
        _, at = min(estimated, key=lambda entry: abs((entry[0] - began).total_seconds() / true - share))
        errors.append(
            f"{((datetime.fromisoformat(at) - began).total_seconds() / true - 1) * 100:+.0f} %" if at else "none"
        )
    first = next(((when - began).total_seconds() / true for when, at in estimated if at), 1.0)
    return [f"{true:.0f}", *errors, f"{first * 100:.0f} %"]
