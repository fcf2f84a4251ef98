"""What changes behind the checkpoints reaches the archive: live for nothing, after a gap for the fewest requests."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.model import Channel, World
from adapters.discord.simulator.truth import truth
from tests.support.archive import archived, assert_current, count_messages
from tests.support.daemon import ON_SQLITE, Daemon, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

MESSAGES = "/channels/{channel_id}/messages"
USERS = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}"
CHANNELS = 16
BUSY = 2
FEW = 12


def quiet_world(channels: int = CHANNELS) -> tuple[World, list[Channel]]:
    """A guild that was quiet for a month but for two of its channels."""
    world = uniform_world(channels, 3, now=datetime.now(UTC) - timedelta(days=30))
    world.ids.advance(timedelta(days=30) - timedelta(hours=1))
    busy = list(world.guilds[guild_of(world)].channels.values())[:BUSY]
    return world, busy


def change_everything(sim: Simulator, channel: Channel, *, silent: bool) -> None:
    """An edit, a deletion, a reaction more and one less, a reaction cleared, and something new."""
    recent = [int(message["id"]) for message in channel.messages.page(limit=6)]
    sim.change.edit(channel.id, recent[0], f"edited {silent}", silent=silent)
    sim.change.delete(channel.id, recent[1], silent=silent)
    sim.change.react(channel.id, recent[2], "🔥", silent=silent)
    sim.change.unreact(channel.id, recent[3], "👍", silent=silent)
    sim.change.clear_reactions(channel.id, recent[4], silent=silent)
    sim.change.post(channel.id, "new", silent=silent)


def prepare(sim: Simulator, channel: Channel) -> None:
    for number in range(8):
        message = int(sim.change.post(channel.id, f"before {number}", silent=True)["id"])
        sim.change.react(channel.id, message, "👍", silent=True)


async def written(daemon: Daemon, url: str, world: World) -> None:
    """Wait until the archive is as the guild."""

    async def is_equal() -> bool:
        try:
            assert_current(url, truth(world, guild_of(world)), guild_of(world))
        except AssertionError:
            return False
        return True

    await daemon.until(is_equal, bool)


@ON_SQLITE
async def test_a_connected_bot_repairs_nothing(database_url: str) -> None:
    world, busy = quiet_world()
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        for channel in busy:
            prepare(sim, channel)
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle()
            sim.requests.clear()
            for channel in busy:
                change_everything(sim, channel, silent=False)
            job = await daemon.sync(guild_id)
            assert job["progress"]["repairs_done"] == 0
            assert sim.requests.count() == 1, "what is new is stored already"
            await written(daemon, database_url, world)
    assert_current(database_url, truth(world, guild_id), guild_id)


async def test_a_gap_costs_two_requests_for_each_busy_channel_and_one_for_a_deletion(database_url: str) -> None:
    world, busy = quiet_world()
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        for channel in busy:
            prepare(sim, channel)
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle()
        kept = count_messages(database_url)
        for channel in busy:
            change_everything(sim, channel, silent=True)
        world.ids.advance(timedelta(hours=1))
        sim.requests.clear()
        async with running_daemon(sim, database_url) as daemon:
            job = await daemon.sync(guild_id)
            assert job["progress"] | {"repairs_done": BUSY, "repairs_pending": 0} == job["progress"]
            assert job["progress"]["deleted"] == BUSY
            assert job["progress"]["changed"] == BUSY * 4
            assert sim.requests.count(MESSAGES) <= 3 * BUSY
            assert sim.requests.count(USERS) == BUSY, "one list has grown; those that are empty need no request"
            coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage")
            assert (coverage["gaps"], coverage["repairs"]) == ([], "nothing is to be read again")
            # Once more in full where that listing began before the gap had ended, as on a busy machine.
            await daemon.until(lambda: daemon.sync(guild_id), lambda again: again["metrics"]["requests"] == 1)
    assert count_messages(database_url) == kept + BUSY, "deleted messages keep their rows"
    assert_current(database_url, truth(world, guild_id), guild_id)


@ON_SQLITE
async def test_nothing_is_marked_deleted_by_a_refusal(database_url: str) -> None:
    world, (channel, *_) = quiet_world(FEW)
    guild_id = guild_of(world)
    async with Simulator(world) as sim:
        prepare(sim, channel)
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle()
        before = archived(database_url, "messages", guild_id)
        for fault in (Fault("status", status=403), Fault("status", status=404), Fault("status", status=500)):
            sim.faults.add(Fault(fault.kind, status=fault.status, route=MESSAGES, channel_id=channel.id, times=None))
            async with running_daemon(sim, database_url) as daemon:
                job = await daemon.sync(guild_id)
                assert job["progress"]["deleted"] == 0
            sim.faults.clear()
        async with running_daemon(sim, database_url) as daemon:
            job = await daemon.sync(guild_id)
            assert (job["status"], job["progress"]["deleted"]) == ("succeeded", 0)
            assert job["progress"]["repairs_pending"] == 0
    assert archived(database_url, "messages", guild_id) == before


async def test_an_audit_finds_what_no_window_covers(database_url: str) -> None:
    world, _ = quiet_world(FEW)
    guild_id = guild_of(world)
    *_, channel = world.guilds[guild_id].channels.values()
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        first, second, _ = (int(message["id"]) for message in channel.messages.page(limit=3))
        sim.change.edit(channel.id, first, "edited, and no event was sent", silent=True)
        sim.change.delete(channel.id, second, silent=True)
        nothing = await daemon.sync(guild_id)
        assert (nothing["progress"]["changed"], nothing["progress"]["deleted"]) == (0, 0)

        status, audit = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": "audit"})
        assert (status, audit["kind"]) == (202, "audit")
        job = await daemon.job_ended(audit["job_id"])
        assert job["progress"] | {"changed": 1, "deleted": 1, "repairs_done": FEW} == job["progress"]
        coverage = await daemon.get(f"/api/tenants/discord-{guild_id}/coverage?limit=10")
        total = FEW * 3 - 1
        assert coverage | {"stored": total, "of": total, "changed": 1, "deleted": 1, "missing": 0} == coverage
        assert coverage["statement"].startswith(f"archive is {total} of {total} messages, as of ")
        assert len(coverage["audits"]) == 10
        assert coverage["next_cursor"]
    assert_current(database_url, truth(world, guild_id), guild_id)
