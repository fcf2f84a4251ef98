"""What is written is in the archive within two seconds, as a page would show it, and costs no request."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from adapters.events import ChannelRef, MessageCreated
from adapters.records import SkipReason
from bot.live import LiveWriter
from storage.database import Database
from storage.tables import messages, refetch_ranges
from tests.support.archive import archived, assert_current
from tests.support.builders import channel, message, thread
from tests.support.daemon import Daemon, running_daemon
from tests.support.faults import killed_before
from tests.support.live_writing import PLATFORM, TENANT, archive, hear, hidden, leading, until, writing
from tests.support.small_world import GUILD, POST, QUIET, READER, TEXT, VOICE, WRITER, small_world
from tests.support.tables_of import rows_of

pytestmark = pytest.mark.usefixtures("restored_addresses")

PAGES = "/channels/{channel_id}/messages"
FILE = {
    "id": "1234567",
    "filename": "cat.png",
    "size": 12,
    "url": "https://cdn.discordapp.com/attachments/1/2/cat.png?ex=1&is=1&hm=1",
    "proxy_url": "https://media.discordapp.net/attachments/1/2/cat.png",
}


async def until_true(daemon: Daemon, sim: Simulator, url: str) -> None:
    """Wait until the archive is as the guild is now, without any sync."""
    gives_up_at = time.monotonic() + 30  # a machine may be busy
    while True:
        try:
            assert_current(url, truth(sim.world, GUILD), GUILD)
        except AssertionError:
            if time.monotonic() > gives_up_at:
                raise
            await asyncio.sleep(0.1)
        else:
            return


async def read_until(daemon: Daemon) -> dict[str, tuple[str, int]]:
    """What is said of the channels that have been read."""
    channels = (await daemon.get(f"/api/tenants/discord-{GUILD}/channels"))["channels"]
    return {one["platform_id"]: (one["state"], one["messages"]) for one in channels if one["state"]}


def live_for_a_while(sim: Simulator) -> tuple[int, int]:
    """Write in several places, and change it at once; return a message that is deleted again, and a new thread."""
    change = sim.change
    first = int(change.post(TEXT, f"hello <@{READER.id}>, play <@$123456789012345678>", WRITER.id)["id"])
    seen_by_one = int(change.post(TEXT, "only one sees it", WRITER.id, flags=64)["id"])
    change.delete(TEXT, seen_by_one, silent=True)  # no page shows it
    change.post(TEXT, "an answer", READER.id, reply_to=first, attachments=[FILE])
    change.post(QUIET, "from outside", webhook_id="123456789012345679")
    change.post(VOICE, "spoken of", READER.id)
    edited = int(change.post(POST, "a post", WRITER.id)["id"])
    change.edit(POST, edited, "a better post")
    for user in (WRITER, READER):
        change.react(POST, edited, "🔥", user.id)
    change.react(POST, edited, "🔥", READER.id, burst=True)
    made = change.create_thread(TEXT, "beside", from_message=first)
    change.post(made.id, "the first in it", READER.id)
    change.unreact(POST, edited, "🔥", WRITER.id)
    gone = int(change.post(TEXT, "in vain", WRITER.id)["id"])
    change.delete(TEXT, gone)
    change.pin(TEXT, first)
    change.unfurl(TEXT, first, [{"type": "link", "url": "https://example.com/"}], whole=True)
    return gone, made.id


@pytest.mark.slow
async def test_what_is_written_is_stored_at_once_and_read_as_before(database_url: str) -> None:
    async with Simulator(small_world()) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle()
        before = await read_until(daemon)
        sim.requests.clear()
        gone, made = live_for_a_while(sim)
        await until_true(daemon, sim, database_url)
        assert sim.requests.count() == 0
        rows = archived(database_url, "messages", GUILD)
        assert (str(TEXT), str(gone)) not in rows, "it was gone before it was stored"
        after = await read_until(daemon)
        stored = Counter(channel for channel, _ in rows)
        assert after == {channel: ("complete", stored[channel]) for channel in after}
        assert after.keys() - before.keys() == {str(made)}
        job = await daemon.sync(GUILD)
        assert (job["status"], job["metrics"]["messages"]) == ("succeeded", 0)
        assert sim.requests.count() == 1, "the channels alone are listed"
        assert_current(database_url, truth(sim.world, GUILD), GUILD)


def new(live: LiveWriter, *numbers: int, place: str = "5") -> None:
    where = ChannelRef(tenant_platform_id="1", platform_id=place)
    for number in numbers:
        live.submit(PLATFORM, MessageCreated(channel=where, message=message(number)))


async def stored(db: Database) -> list[str]:
    return sorted(row["platform_id"] for row in await rows_of(db, messages))


@pytest.mark.slow
async def test_new_messages_are_no_changes_and_survive_a_failed_write(tmp_path: Path) -> None:
    async with archive(f"sqlite+aiosqlite:///{tmp_path}/archive.db") as db:
        live = await leading(db)
        with live.trackers.tracking(TENANT, "5") as tracker:
            mark = tracker.mark()
            async with writing(live):
                with killed_before(db, "INSERT INTO messages", error=asyncio.CancelledError):
                    new(live, 3, 4)
                    new(live, 5, place="6")
                    new(live, 6, place="404")
                await until(lambda: stored(db), ["1", "2", "3", "4", "5"])
            assert tracker.changed_since(mark, ["3", "4"]) == set(), "no page is asked for once more"
        assert await rows_of(db, refetch_ranges) == []


@pytest.mark.slow
async def test_no_new_message_is_stored_once_its_channel_is_known_to_be_hidden(tmp_path: Path) -> None:
    """Not even one that was sent before, and waited."""
    async with archive(f"sqlite+aiosqlite:///{tmp_path}/archive.db") as db:
        live = await leading(db)
        new(live, 4)
        new(live, 5, place="6")
        hear(live)
        async with writing(live):
            await until(lambda: hidden(db), [(TENANT, "5"), (TENANT, "6")])
            assert await stored(db) == ["1", "2", "3"]


@pytest.mark.slow
async def test_the_first_message_of_a_thread_is_stored_while_another_channel_is_being_hidden(tmp_path: Path) -> None:
    async with archive(f"sqlite+aiosqlite:///{tmp_path}/archive.db") as db:
        live = await leading(db)
        hear(live, channel("8", skip_reason=SkipReason.NOT_PUBLIC))
        hear(live, thread("7", "5"))
        new(live, 7, place="7")
        async with writing(live):
            await until(lambda: hidden(db), [(TENANT, "8")])
            assert await stored(db) == ["1", "2", "3", "7"]
