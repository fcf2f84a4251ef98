"""Waits before Discord is retried: as long as it requests, else with exponential backoff; visible in readiness."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import aiohttp
import discord

from adapters.discord.rest import rate_limit

log = logging.getLogger(__name__)

LONGEST_SECONDS = 86_400.0


class Waits:
    """The waits of one bot. ``reason`` says why Discord is not retried at present, and until when."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep
        self._until: dict[str, datetime] = {}

    async def wait(self, seconds: float, why: str) -> None:
        """Wait and report it; ``why`` is followed by the time at which the wait ends."""
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        log.warning("waiting before Discord is tried again", extra={"why": why, "seconds": round(seconds, 1)})
        self._until[why] = until
        try:
            await self._sleep(seconds)
        finally:
            self._until.pop(why, None)

    async def pause(self, seconds: float) -> None:
        """Wait briefly without reporting it."""
        if seconds > 0:
            await self._sleep(seconds)

    @property
    def reason(self) -> str | None:
        """Why Discord is not retried at present, and until when; None where nothing waits."""
        if not self._until:
            return None
        why, until = max(self._until.items(), key=lambda item: item[1])
        return f"{why} {until:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def seconds_left(self) -> float:
        """Seconds left of the current waits."""
        left = (until - datetime.now(UTC) for until in self._until.values())
        return max(0.0, *(wait.total_seconds() for wait in left)) if self._until else 0.0


class Backoff:
    """Pauses that double with each failure, with jitter."""

    def __init__(self, first_seconds: float, most_seconds: float) -> None:
        self._first, self._most = first_seconds, most_seconds
        self.failures = 0

    def failed(self) -> float:
        """Count a failure, and return the seconds to pause."""
        self.failures += 1
        pause = min(self._first * 2 ** min(self.failures - 1, 30), self._most)
        return float(pause * random.uniform(0.75, 1.25))  # noqa: S311 (chance, not a secret)

    def succeeded(self) -> None:
        """Reset the pause to the shortest one."""
        self.failures = 0


def requested_wait(error: BaseException) -> float | None:
    """Return the seconds that an error's response requests to wait, a day at most; None where it requests none."""
    if isinstance(error, discord.RateLimited):
        return min(max(error.retry_after, 0.0), LONGEST_SECONDS)
    headers: Mapping[str, str] | None = None
    if isinstance(error, discord.HTTPException):
        headers = error.response.headers
    elif isinstance(error, aiohttp.ClientResponseError):
        headers = error.headers
    return rate_limit(headers).retry_after_seconds if headers and "Retry-After" in headers else None
