"""The last look: when all is well again and everything has been read, the archive equals the guild, and says so."""

from typing import Any

from sqlalchemy import and_, create_engine, func, select

from adapters.discord.simulator.model import World
from adapters.discord.simulator.truth import truth
from storage.tables import IS_PENDING, channels, messages, reaction_totals, refetch_ranges, sync_gaps
from tests.simulation.community import guild_of
from tests.simulation.machine import Machine
from tests.support.archive import archived, assert_current

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


async def assert_true(machine: Machine, world: World) -> None:
    """Hold rows and words against the guild."""
    guild_id = guild_of(world).id
    expected = truth(world, guild_id)
    assert_current(machine.url, expected, guild_id)
    found = archived(machine.url, "channels", guild_id)
    for row in expected.channels():
        stored = found.get((row["platform_id"],))
        assert stored == row, f"a channel is {stored}, should be {row}"
    await _assert_words(machine, f"/api/tenants/discord-{guild_id}")


async def _assert_words(machine: Machine, tenant: str) -> None:
    status, ready = await machine.ask("GET", "/readyz")
    assert status == 200, ready
    _, view = await machine.ask("GET", tenant)
    assert view["sync_status"] == "ok", view
    _, channels = await machine.ask("GET", f"{tenant}/channels")
    for channel in channels["channels"]:
        _assert_complete(channel)
    _, coverage = await machine.ask("GET", f"{tenant}/coverage")
    assert coverage["audited_at"], coverage
    assert not coverage["gaps"], coverage
    assert coverage["stored"] == coverage["of"], coverage


def _assert_complete(channel: dict[str, Any]) -> None:
    if channel["sync_state"] == "archived" and channel["type"] in ("text", "thread"):
        assert channel["last_error"] is None, channel
        assert channel["state"] in ("complete", None), channel
        assert channel["reactions_pending"] == 0, channel
