"""The last look: when all is well again and everything has been read, the archive equals the guild, and says so."""

import asyncio
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import and_, create_engine, func, select

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.model import World
from adapters.discord.simulator.truth import Truth, truth
from adapters.discord.simulator.truth_parts import Row
from adapters.records import LARGEST_NUMBER
from storage.tables import IS_PENDING, channels, messages, reaction_totals, refetch_ranges, sync_gaps
from tests.simulation.community import Life, guild_of
from tests.simulation.machine import Machine
from tests.support.archive import assert_channels_current, assert_current

_HANGING = dict.fromkeys(("reactions", "reaction_totals", "attachments"), "message_platform_id") | {
    "messages": "platform_id"
}
_ON_THEIR_WAY_SECONDS = 0.5
_HUNG_ON = and_(
    messages.c.channel_id == reaction_totals.c.channel_id,
    messages.c.platform_id == reaction_totals.c.message_platform_id,
)
_REMAINING = {
    "ranges to read again": select(func.count()).select_from(refetch_ranges),
    "gaps": select(func.count()).select_from(sync_gaps).where(sync_gaps.c.repaired_at.is_(None)),
    "pending reaction lists": select(func.count())
    .select_from(reaction_totals)
    .join(channels, channels.c.id == reaction_totals.c.channel_id)
    .join(messages, _HUNG_ON)
    .where(IS_PENDING, channels.c.skip_reason.is_(None), messages.c.deleted_at.is_(None)),
}


def remaining(machine: Machine) -> dict[str, int]:
    """Return what is left to be read, by what it is; nothing where nothing is."""
    engine = create_engine(machine.url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            found = {name: connection.execute(query).scalar_one() for name, query in _REMAINING.items()}
    finally:
        engine.dispose()
    return {name: count for name, count in found.items() if count}


async def assert_rows(machine: Machine, world: World, forgotten: Collection[str]) -> None:
    """Hold the rows against the guild; where erased people occur they are left out, on both sides."""
    guild_id = guild_of(world).id
    expected = _Without(truth(world, guild_id), frozenset(forgotten))
    url = _copy_without(machine.archive, expected.left_out) if forgotten else machine.url
    assert_current(url, expected, guild_id)
    if not forgotten:  # else names may hold theirs
        assert_channels_current(machine.url, expected.truth, guild_id)


class _Without:
    """The truth without the messages in which erased people occur, and without their reactions."""

    def __init__(self, whole: Truth, people: frozenset[str]) -> None:
        self.truth = whole
        self._people = people
        self.left_out = {_place(row) for row in whole.messages() if people and any(who in str(row) for who in people)}

    def messages(self) -> Iterator[Row]:
        return (row for row in self.truth.messages() if _place(row) not in self.left_out)

    def attachments(self) -> Iterator[Row]:
        return (_with_possible_size(row) for row in self.truth.attachments() if _place(row) not in self.left_out)

    def reaction_totals(self) -> Iterator[Row]:
        return (row for row in self.truth.reaction_totals() if _place(row) not in self.left_out)

    def reactions(self) -> Iterator[Row]:
        rows = (row for row in self.truth.reactions() if _place(row) not in self.left_out)
        return (row for row in rows if row["user_hash"] not in self._people)


def _with_possible_size(row: Row) -> Row:
    size = row["size_bytes"]
    return row if size is None or 0 <= size <= LARGEST_NUMBER else row | {"size_bytes": None}


def _place(row: Row) -> tuple[str, str]:
    return row["channel_platform_id"], row.get("message_platform_id") or row["platform_id"]


def _copy_without(archive: Path, places: set[tuple[str, str]]) -> str:
    """Copy an archive, without some messages and all that hangs on them; return the copy's URL."""
    copy = archive.with_name("copy.db")
    copy.unlink(missing_ok=True)
    with closing(sqlite3.connect(archive)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        for channel, message in places:
            for table, key in _HANGING.items():
                where = f"{key} = ? AND channel_id IN (SELECT id FROM channels WHERE platform_id = ?)"  # noqa: S608 (ours)
                target.execute(f"DELETE FROM {table} WHERE {where}", (message, channel))  # noqa: S608 (our own names)
        target.commit()
    return f"sqlite:///{copy}"


def impatience(sim: Simulator, life: Life) -> list[str]:
    """Return the requests that were made within a time for which Discord had wanted none; by a clock that was right."""
    if life.has_moved_clock:
        return []
    entries = [entry for entry in sim.requests.entries() if entry.template.startswith(("/channels", "/guilds"))]
    limits = [entry.at_monotonic for entry in entries if entry.status == 429]
    return [
        f"{entry.at_monotonic:.3f} s: {entry.path} was asked for {entry.at_monotonic - at:.1f} s after a 429"
        for at in limits
        for entry in entries
        if at + _ON_THEIR_WAY_SECONDS < entry.at_monotonic < at + life.least_wait
    ]


async def assert_words(machine: Machine, world: World, *, with_audit: bool) -> None:
    """Hold what the API says against the guild, with which the rows agree; the daemon is ready."""
    tenant = f"/api/tenants/discord-{guild_of(world).id}"
    view = await _settled(machine, tenant)
    assert view["sync_status"] == "ok", view
    _, channels = await machine.ask("GET", f"{tenant}/channels")
    for channel in channels["channels"]:
        _assert_complete(channel)
    _, coverage = await machine.ask("GET", f"{tenant}/coverage")
    assert coverage["audited_at"] or not with_audit, coverage
    assert not coverage["gaps"], coverage
    assert coverage["stored"] == coverage["of"], coverage


async def _settled(machine: Machine, tenant: str) -> dict[str, Any]:
    """Return a tenant between two syncs."""
    for _ in range(60):
        _, view = await machine.ask("GET", tenant)
        if view["sync_status"] != "syncing":
            break
        await asyncio.sleep(1)
    return dict(view)


def _assert_complete(channel: dict[str, Any]) -> None:
    if channel["sync_state"] == "archived" and channel["type"] in ("text", "thread"):
        assert channel["last_error"] is None, channel
        assert channel["state"] in ("complete", None), channel
        assert channel["reactions_pending"] == 0, channel
