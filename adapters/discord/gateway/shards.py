"""The shards of one number of them: those that this process holds are connected, each in a task of its own."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import count
from typing import NoReturn

from adapters.discord.gateway.shard import Shard
from adapters.discord.gateway.sharding import division_of, part_name, shard_named, shard_of
from adapters.health import PartHealth

log = logging.getLogger(__name__)

WRONG_SHARDS = (4010, 4011)
"""The codes by which Discord closes a shard because of the number of shards."""

_NUMBERS = count(1)


class Shards:
    """So many shards, of which the held ones run. Each counts its sessions from 0, hence the number of this object."""

    def __init__(self, shards: int, make: Callable[[int], Shard], on_dropped: Callable[[int, int], None]) -> None:
        """``on_dropped`` is called at once with a shard that is held no more, and of how many it is."""
        self.count = shards
        self.number = next(_NUMBERS)
        self.division = division_of(shards)
        self._make = make
        self._on_dropped = on_dropped
        self._held: dict[int, Shard] = {}
        self._running: dict[int, asyncio.Task[NoReturn]] = {}
        self._changed = asyncio.Event()

    def hold(self, shard_ids: Iterable[int]) -> None:
        """Connect these shards and no others. One that is dropped and taken again begins a new session."""
        wanted = set(shard_ids)
        for shard_id in sorted(self._held.keys() - wanted):
            del self._held[shard_id]
            _end(self._running.get(shard_id))
            self._on_dropped(shard_id, self.count)
        for shard_id in sorted(wanted - self._held.keys()):
            self._held[shard_id] = self._make(shard_id)
        self._changed.set()

    async def run(self) -> NoReturn:
        """Keep the held shards connected until one of them ends for good.

        Raises:
            discord.ConnectionClosed: Discord closed a shard with a final close code.
            discord.LoginFailure: it refuses the token.
        """
        begun: dict[int, Shard] = {}
        try:
            while True:
                self._changed.clear()
                for shard_id, shard in self._held.items():
                    if shard_id not in self._running:  # else its connection of before is still being closed
                        begun[shard_id] = shard
                        name = f"shard {shard_id} of {self.count}"
                        self._running[shard_id] = asyncio.create_task(shard.run(), name=name)
                changing = asyncio.create_task(self._changed.wait(), name="change of the held shards")
                try:
                    await asyncio.wait({changing, *self._running.values()}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    changing.cancel()
                for shard_id in [i for i, task in self._running.items() if task.done()]:
                    task = self._running.pop(shard_id)
                    if self._held.get(shard_id) is begun.pop(shard_id):
                        task.result()
                    elif not task.cancelled():
                        task.exception()  # marks it as retrieved: what ends a shard that is dropped ends no other
        finally:
            for task in self._running.values():
                _end(task)
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def get(self, shard_id: int | None) -> Shard | None:
        """Return a shard; None where it is not held."""
        return None if shard_id is None else self._held.get(shard_id)

    def of_guild(self, guild_id: int | str) -> Shard | None:
        """Return the shard that receives a guild's events; None where it is not held."""
        return self._held.get(shard_of(guild_id, self.count))

    @property
    def held(self) -> frozenset[str]:
        """The names of the held shards."""
        return frozenset(part_name(shard_id, self.count) for shard_id in self._held)

    @property
    def ready(self) -> frozenset[str]:
        """The names of those whose events are received, and whose guilds were announced and handled."""
        ready = (shard.id for shard in self._held.values() if self._reason(shard) is None)
        return frozenset(part_name(shard_id, self.count) for shard_id in ready)

    @property
    def unready_reasons(self) -> list[str]:
        """Why the others are not ready."""
        return [reason for shard in self._held.values() if (reason := self._reason(shard))]

    @property
    def health(self) -> tuple[PartHealth, ...]:
        """State of the held shards."""
        return tuple(PartHealth(str(s.id), s.is_connected, s.heartbeat_age_seconds) for s in self._held.values())

    def received_until(self, part: str) -> datetime | None:
        """Return until when every event of a shard has been received; None while it receives none."""
        shard = self.get(shard_named(part, self.count))
        return shard.received_until if shard else None

    def _reason(self, shard: Shard) -> str | None:
        name = f"shard {shard.id} of {self.count}"
        if not shard.is_connected:
            return f"{name} is not connected to Discord's gateway"
        if shard.is_unresponsive:
            return f"{name} has had no answer to its heartbeats for {shard.unacknowledged_seconds:.0f} s"
        if shard.announced_session != shard.sessions:
            return f"the guilds of {name} are still arriving"
        return None


def _end(task: asyncio.Task[NoReturn] | None) -> None:
    """Let a shard close its connection, so that Discord ends the session; one that does so already is not torn off."""
    if task is not None and not task.cancelling():
        task.cancel()


def told_of_refusal(shards: int, close_code: int, recommended: int | None) -> str:
    """Log that Discord refuses so many shards; return why. ``recommended`` are as many, where others are configured."""
    facts = {"shards": shards, "close_code": close_code}
    if recommended is None:
        log.warning("Discord wants this bot to use other shards", extra=facts)
        return "Discord requires other shards"
    remedy = f"set shard_count = {recommended} in [discord], in each of the bot's processes, and start them again"
    log.error("Discord refuses the configured number of shards", extra={**facts, "remedy": remedy})
    return f"Discord refuses shard_count = {shards}, and recommends {recommended}"
