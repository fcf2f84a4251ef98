"""What discord.py keeps of rate limits is dropped, and looking for it does not grow with the channels requested."""

import time

import discord
import pytest
from discord.http import Ratelimit

from adapters.discord.rest.buckets import drop_buckets_seldom

MANY = 2_000


class Counted(Ratelimit):
    """A rate limit that is used no more, and counts how often it is looked at."""

    looks = 0

    def is_inactive(self) -> bool:
        Counted.looks += 1
        return self.name.startswith("old")

    def __init__(self, name: str) -> None:
        super().__init__(None)
        self.name = name


async def test_idle_rate_limits_are_dropped_and_looked_for_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    http = discord.Client(intents=discord.Intents.none()).http
    http._buckets = {name: Counted(name) for name in (f"{age} {n}" for age in ("old", "young") for n in range(MANY))}
    drop_buckets_seldom(http)
    Counted.looks = 0
    for number in range(MANY):
        http.get_ratelimit(f"new {number}")
    assert Counted.looks == 2 * MANY, "once for all of them"
    assert sum(key.startswith(("young", "new")) for key in http._buckets) == len(http._buckets) == 2 * MANY
    now += 31.0
    http._buckets["old again"] = Counted("old again")
    http.get_ratelimit("one more")
    assert "old again" not in http._buckets
