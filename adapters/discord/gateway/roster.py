"""Track which guilds the bot is in by the gateway's raw payloads, so that an odd guild is never missed.

READY lists a shard's guilds; GUILD_CREATE of each follows at once, seconds later, or after an outage.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from adapters.discord.convert import Payload, Scrubber, as_object, as_objects, snowflake
from adapters.discord.gateway.sharding import part_name, shard_of
from adapters.events import (
    ChannelDeleted,
    PlatformEvent,
    TenantJoined,
    TenantLeft,
    TenantOutage,
    TenantsReady,
    TenantsReleased,
)
from adapters.privacy import HashUser
from adapters.records import TenantRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Member:
    """A guild that the bot is in."""

    record: TenantRecord
    arrival: int | None = None  # the number of its GUILD_CREATE; None while that is waited for, or in an outage

    @property
    def has_arrived(self) -> bool:
        return self.arrival is not None


@dataclass(slots=True)
class _Arrival:
    """A new session of a shard that still waits for GUILD_CREATE of some guilds."""

    shard_id: int
    shards: int
    is_whole: bool  # whether every guild of READY's list could be read
    missing: set[str]
    quiet: asyncio.TimerHandle | None = None


class GuildRoster:
    """Tracks the guilds, and reports joins, departures and sessions. No payload makes a method raise."""

    def __init__(
        self, report: Callable[[PlatformEvent, int | None], None], hash_user: HashUser, *, quiet_seconds: float
    ) -> None:
        """``report`` is called with each event, and for TenantsReady with the shard whose session began."""
        self._report = report
        self._scrub = Scrubber(hash_user)
        self._quiet_seconds = quiet_seconds
        self._members: dict[str, _Member] = {}
        self._arrivals: dict[int, _Arrival] = {}
        self._arrived_count = 0  # over all guilds, so that one that left and came back has another number
        self._news = asyncio.Event()

    def __contains__(self, guild_id: str) -> bool:
        return guild_id in self._members

    def has_arrived(self, guild_id: str) -> bool:
        """Return whether GUILD_CREATE of a guild has been received in the current session."""
        return self.arrival_number(guild_id) is not None

    def arrival_number(self, guild_id: str) -> int | None:
        """Return the number of a guild's newest GUILD_CREATE; None where its events are not received at present.

        A guild that comes back from an outage gets another one: what changed in it meanwhile was not received.
        """
        member = self._members.get(guild_id)
        return None if member is None else member.arrival

    def guilds_of(self, shard_id: int, shards: int) -> Iterator[str]:
        """Yield the guilds of a shard."""
        return (guild_id for guild_id in self._members if shard_of(guild_id, shards) == shard_id)

    async def arrival(self, guild_id: str) -> None:
        """Return once a guild has arrived, or the bot is no longer in it."""
        while guild_id in self._members and not self.has_arrived(guild_id):
            self._news.clear()
            await self._news.wait()

    def begin_session(self, shard_id: int, shards: int, data: Any) -> None:
        """Replace a shard's guilds by those in READY."""
        guilds = as_object(data).get("guilds")
        listed = [_guild_id(guild.get("id")) for guild in as_objects(guilds)]
        is_whole = isinstance(guilds, list) and None not in listed and len(listed) == len(guilds)
        if not is_whole:
            log.warning("Discord's list of the bot's guilds cannot be read whole", extra={"shard": shard_id})
        for known in [i for i in self._members if shard_of(i, shards) == shard_id]:
            if known in listed or not is_whole:
                self._members[known] = replace(self._members[known], arrival=None)
            else:
                del self._members[known]
        for guild_id in filter(None, listed):
            self._members.setdefault(guild_id, _Member(TenantRecord(platform_id=guild_id, name=None)))
        if before := self._arrivals.pop(shard_id, None):
            _cancel(before)
        missing = {i for i in self._members if shard_of(i, shards) == shard_id}
        self._arrivals[shard_id] = _Arrival(shard_id, shards, is_whole, missing)
        self._go_on(shard_id)

    def take(self, event: str, data: Any) -> None:
        """Handle any event but READY."""
        payload = as_object(data)
        guild_id = _guild_id(payload.get("id" if event.startswith("GUILD_") else "guild_id"))
        if guild_id is None:
            return
        match event:
            case "GUILD_CREATE" if not payload.get("unavailable"):
                self._arrived(guild_id, payload)
            case "GUILD_CREATE":
                self._fell_silent(guild_id)
            case "GUILD_DELETE" if payload.get("unavailable"):
                self._fell_silent(guild_id)
            case "GUILD_DELETE":
                self._left(guild_id)
            case "GUILD_UPDATE":
                self._updated(guild_id, payload)
            case "CHANNEL_DELETE" | "THREAD_DELETE":
                if channel_id := snowflake(payload.get("id")):
                    self._report(ChannelDeleted(guild_id, channel_id), None)
        self._news.set()

    def release(self, shard_id: int, shards: int) -> None:
        """Forget a shard's guilds: its events are not received any more."""
        if arrival := self._arrivals.pop(shard_id, None):
            _cancel(arrival)
        for guild_id in list(self.guilds_of(shard_id, shards)):
            del self._members[guild_id]
        self._news.set()

        def covers(guild_id: str) -> bool:
            return shard_of(guild_id, shards) == shard_id

        self._report(TenantsReleased(part_name(shard_id, shards), covers), None)

    def end_sessions(self) -> None:
        """Discard the sessions whose guilds are still arriving: their shards have been replaced."""
        for arrival in self._arrivals.values():
            _cancel(arrival)
        self._arrivals.clear()
        self._news.set()

    def _arrived(self, guild_id: str, payload: Payload) -> None:
        self._arrived_count += 1
        self._members[guild_id] = _Member(self._record(guild_id, payload), self._arrived_count)
        arrival = self._arrival_of(guild_id)
        if arrival is None:
            self._report(TenantJoined(self._members[guild_id].record), None)
        else:
            arrival.missing.discard(guild_id)
            self._go_on(arrival.shard_id)

    def _left(self, guild_id: str) -> None:
        if self._members.pop(guild_id, None) is None:
            return
        self._report(TenantLeft(guild_id), None)
        if arrival := self._arrival_of(guild_id):
            arrival.missing.discard(guild_id)
            self._go_on(arrival.shard_id)

    def _fell_silent(self, guild_id: str) -> None:
        member = self._members.get(guild_id) or _Member(TenantRecord(platform_id=guild_id, name=None))
        self._members[guild_id] = replace(member, arrival=None)
        if self._arrival_of(guild_id) is None:
            self._report(TenantOutage(guild_id), None)

    def _updated(self, guild_id: str, payload: Payload) -> None:
        member = self._members.get(guild_id)
        if member is None:
            return
        updated = replace(member, record=self._record(guild_id, payload))
        self._members[guild_id] = updated
        if updated != member and member.has_arrived and self._arrival_of(guild_id) is None:
            self._report(TenantJoined(updated.record), None)

    def _go_on(self, shard_id: int) -> None:
        """Report a session at once where all guilds have arrived, else when no guild has arrived for a while."""
        arrival = self._arrivals[shard_id]
        _cancel(arrival)
        if not arrival.missing:
            self._announce(arrival)
        else:
            loop = asyncio.get_running_loop()
            arrival.quiet = loop.call_later(self._quiet_seconds, self._announce, arrival)

    def _announce(self, arrival: _Arrival) -> None:
        shard_id, shards = arrival.shard_id, arrival.shards
        del self._arrivals[shard_id]
        members = {i: member for i, member in self._members.items() if shard_of(i, shards) == shard_id}

        def covers(guild_id: str) -> bool:
            return shard_of(guild_id, shards) == shard_id if arrival.is_whole else guild_id in members

        records = tuple(member.record for member in members.values())
        self._report(TenantsReady(records, part=part_name(shard_id, shards), covers=covers), shard_id)
        for guild_id, member in members.items():
            if not member.has_arrived:
                self._report(TenantOutage(guild_id), None)

    def _arrival_of(self, guild_id: str) -> _Arrival | None:
        return next((a for a in self._arrivals.values() if shard_of(guild_id, a.shards) == a.shard_id), None)

    def _record(self, guild_id: str, payload: Payload) -> TenantRecord:
        name, description = payload.get("name"), payload.get("description")
        metadata = {"description": self._scrub(description)} if isinstance(description, str) and description else {}
        return TenantRecord(
            platform_id=guild_id, name=self._scrub(name) if isinstance(name, str) and name else None, metadata=metadata
        )


def _guild_id(value: object) -> str | None:
    """Return an id in the one form that a tenant's id may have."""
    guild_id = snowflake(value)
    return guild_id if guild_id and len(guild_id) <= 20 and not guild_id.startswith("0") else None


def _cancel(arrival: _Arrival) -> None:
    if arrival.quiet is not None:
        arrival.quiet.cancel()
