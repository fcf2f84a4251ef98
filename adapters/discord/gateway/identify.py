"""Decide when a shard may send IDENTIFY.

Discord allows a bot a number of IDENTIFYs a day, and resets the token of a bot that exceeds it; it also limits how many
may be sent in five seconds (https://discord.com/developers/docs/events/gateway#session-start-limit-object). The limits
here are far below both, so that no error in this program can reach them.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from adapters.discord.convert import Payload, as_int, as_object
from adapters.discord.gateway.waits import LONGEST_SECONDS, Waits
from adapters.parts import Turn, no_turn

log = logging.getLogger(__name__)

_BURST = 60  # sessions that may begin in quick succession; with many shards, three for each
_REFILL_SECONDS = 240.0  # after which one more may begin: 360 a day
_LEAST_WAIT_SECONDS = 60.0  # where none is left, and the answer does not say until when


@dataclass(frozen=True, slots=True)
class StartLimit:
    """The session start limit as Discord's last answer states it; ``remaining`` is None where it does not."""

    shards: int
    address: str | None
    remaining: int | None
    reset_after_seconds: float
    concurrency: int

    @classmethod
    def of(cls, answer: Payload) -> "StartLimit":
        """Parse the answer of GET /gateway/bot."""
        limit, address = as_object(answer.get("session_start_limit")), answer.get("url")
        reset_after = as_int(limit.get("reset_after")) or 0
        return cls(
            shards=min(max(as_int(answer.get("shards")) or 1, 1), 100_000),
            address=address if isinstance(address, str) and address.startswith(("ws://", "wss://")) else None,
            remaining=as_int(limit.get("remaining")),
            reset_after_seconds=min(max(reset_after / 1000, _LEAST_WAIT_SECONDS), LONGEST_SECONDS),
            concurrency=max(as_int(limit.get("max_concurrency")) or 1, 1),
        )


class IdentifyGate:
    """Admits one IDENTIFY at a time in each of Discord's groups of shards, and none while no session start is left.

    ``turn`` is shared by all processes of the bot: the limits are the bot's, not a process's.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Payload]],
        waits: Waits,
        *,
        spacing_seconds: float,
        shards: int = 0,
        turn: Turn = no_turn,
    ) -> None:
        """``shards`` are as many as the configuration says; 0 where it says none."""
        self._ask = ask
        self._waits = waits
        self._spacing_seconds = spacing_seconds
        self._shards = shards
        self._turn = turn
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last: dict[int, float] = {}
        self._burst, self._begun, self._counted_at = _BURST, 0.0, 0.0
        self._concurrency = 1

    async def limit(self) -> StartLimit:
        """Request the recommended number of shards and the session start limit."""
        limit = StartLimit.of(await self._ask())
        self._concurrency, self._burst = limit.concurrency, max(_BURST, 3 * max(limit.shards, self._shards))
        return limit

    @asynccontextmanager
    async def admitted(self, shard_id: int) -> AsyncIterator[StartLimit]:
        """Wait until a shard may begin a session; it has to send IDENTIFY within the block."""
        group = shard_id % self._concurrency
        async with self._locks[group]:
            await self._within_budget()
            if group in self._last:
                await self._waits.pause(self._last[group] + self._spacing_seconds - _now())
            while True:
                bucket = shard_id % self._concurrency
                async with self._turn(f"identify:{bucket}", self._spacing_seconds):
                    limit = await self.limit()  # last: another process may begin sessions of this bot meanwhile
                    if bucket != shard_id % limit.concurrency:
                        continue  # Discord divides the shards into other buckets than it did
                    if limit.remaining is None or limit.remaining > 0:
                        try:
                            yield limit
                        finally:
                            self._last[group] = _now()
                        return
                await self._waits.wait(limit.reset_after_seconds, "Discord allows no new session before")

    async def _within_budget(self) -> None:
        now = _now()
        recovered = (now - (self._counted_at or now)) / _REFILL_SECONDS
        self._begun, self._counted_at = max(0.0, self._begun - recovered) + 1, now
        surplus = self._begun - self._burst
        if surplus > 0 and self._spacing_seconds:
            await self._waits.wait(surplus * _REFILL_SECONDS, "too many sessions were begun: no new one before")


def _now() -> float:
    return asyncio.get_running_loop().time()
