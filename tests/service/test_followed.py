"""Channels are followed live: an hour without trouble costs one request, and whatever was missed ends it."""

from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_current
from tests.support.daemon import HASTY, VERIFYING, Daemon, running_daemon
from tests.support.small_world import FORUM, GUILD, POST, QUIET, TEXT, WRITER, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

CHANNELS = f"/api/tenants/discord-{GUILD}/channels"
PAGES = "/channels/{channel_id}/messages"


async def live_of(daemon: Daemon) -> Any:
    return (await daemon.get(f"/api/tenants/discord-{GUILD}/coverage"))["live"]


async def gaps(daemon: Daemon) -> list[str]:
    return [gap["reason"] for gap in (await daemon.get(f"/api/tenants/discord-{GUILD}/coverage"))["gaps"]]


async def stored(daemon: Daemon, url: str, sim: Simulator) -> None:
    """Wait until the archive is as the guild is now."""

    async def is_current() -> bool:
        try:
            assert_current(url, truth(sim.world, GUILD), GUILD)
        except AssertionError:
            return False
        return True

    await daemon.until(is_current, bool)


async def test_messages_that_no_event_told_of_end_following_until_all_is_compared(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url, HASTY) as daemon:
        await daemon.idle(2)
        first = await live_of(daemon)
        assert first["channels_followed"] == first["channels"] > 0
        assert first["proven_until"]
        sim.change.post(TEXT, "unheard", silent=True)
        sim.change.post(POST, "unheard too", silent=True)
        job = await daemon.sync(GUILD)
        assert (job["status"], job["metrics"]["messages"]) == ("succeeded", 2), "threads are listed for it"
        assert job["progress"]["channels_followed"] == 0
        assert_current(url, truth(sim.world, GUILD), GUILD)
        assert (await live_of(daemon))["proven_until"] is None
        exposed, _ = await daemon.metrics.expose("")
        assert b'platform_sync_live_missed_total{kind="messages"} 1.0' in exposed
        await daemon.sync(GUILD)
        sim.requests.clear()
        again = await daemon.sync(GUILD)
        assert again["progress"]["channels_followed"] == first["channels"]
        assert sim.requests.count() == 1


async def test_a_new_session_follows_nothing_before_its_channels_were_listed(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle(2)
        sim.gateway.reconnect()
        await daemon.until(lambda: live_of(daemon), lambda live: live["channels_followed"])
        sim.change.post(TEXT, "after a resume")
        newest = int(sim.change.post(TEXT, "after the listing was made")["id"])
        await stored(daemon, url, sim)
        guild = sim.world.guilds[GUILD]
        guild.channels[TEXT].last_message_id = newest - 1
        sim.requests.clear()
        await daemon.sync(GUILD)
        assert sim.requests.count() == 1, "a resumed session misses nothing, and an older head is no news"
        guild.channels[TEXT].last_message_id = newest
        sim.gateway.invalidate()
        await daemon.until(lambda: live_of(daemon), lambda live: live["channels_followed"] == 0)
        await daemon.until(lambda: gaps(daemon), bool)
        sim.change.post(QUIET, "in the new session")
        await stored(daemon, url, sim)
        sim.requests.clear()
        await daemon.sync(GUILD)
        assert sim.requests.count(PAGES, channel_id=QUIET) >= 1, "its checkpoint did not move"
        live = await live_of(daemon)
        assert live["channels_followed"] == live["channels"]
        assert_current(url, truth(sim.world, GUILD), GUILD)


async def test_what_was_written_in_a_hidden_channel_is_read_when_it_is_shown(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle(2)
        sim.change.hide_channel(FORUM)
        sim.change.post(POST, "in private")
        sim.change.show_channel(FORUM)
        sim.change.post(POST, "in public")
        job = await daemon.sync(GUILD)
        assert job["status"] == "succeeded"
        await daemon.sync(GUILD)
        assert_current(url, truth(sim.world, GUILD), GUILD)


async def test_a_channel_with_a_message_that_was_not_shown_whole_is_read_by_the_next_sync(tmp_path: Path) -> None:
    """Also a thread, whose head no short listing shows."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle(2)
        whole = sim.gateway.rewrite

        def cut(event: str, payload: Any) -> Any:
            shown = whole(event, payload)
            return {k: v for k, v in shown.items() if k != "embeds"} if event == "MESSAGE_CREATE" else shown

        sim.gateway.rewrite = cut
        sim.change.post(POST, "cut", WRITER.id)
        sim.gateway.rewrite = whole
        sim.change.post(POST, "whole", WRITER.id)
        sim.requests.clear()
        job = await daemon.sync(GUILD)
        assert (job["status"], job["metrics"]["messages"]) == ("succeeded", 2)
        assert sim.requests.count(PAGES) == sim.requests.count(PAGES, channel_id=POST) == sim.requests.count() - 1
        assert_current(url, truth(sim.world, GUILD), GUILD)


@pytest.mark.parametrize(("what", "is_verified"), [("channels", False), ("threads", True)])
async def test_what_a_listing_shows_and_no_event_said_ends_following(
    tmp_path: Path, what: str, is_verified: bool
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    settings = VERIFYING if is_verified else HASTY
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url, settings) as daemon:
        await daemon.idle(2)
        sim.change.rename_channel(TEXT, "heard")
        await daemon.until(lambda: daemon.get(CHANNELS), lambda answer: "'heard'" in str(answer))
        assert (await daemon.sync(GUILD))["progress"]["proven_until"]
        if what == "channels":
            sim.change.rename_channel(TEXT, "unheard", silent=True)
        else:
            sim.change.create_thread(TEXT, "unheard", "in it", silent=True)
        job = await daemon.sync(GUILD)
        assert (job["status"], job["progress"]["proven_until"]) == ("succeeded", None)
        exposed, _ = await daemon.metrics.expose("")
        assert f'platform_sync_live_missed_total{{kind="{what}"}} 1.0' in exposed.decode()
        assert_current(url, truth(sim.world, GUILD), GUILD)


async def test_an_event_that_is_lost_on_the_way_is_brought_by_a_resume(tmp_path: Path) -> None:
    """Its number is missing, so that nothing behind it is handled before."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle(2)
        sim.gateway.drop(2)
        for text in ("lost", "lost as well", "received"):
            sim.change.post(TEXT, text)
        await stored(daemon, url, sim)
        assert (sim.gateway.resumes, sim.gateway.identifies) == (1, 1)
        sim.requests.clear()
        job = await daemon.sync(GUILD)
        assert (job["status"], sim.requests.count()) == ("succeeded", 1), "nothing was missed"
        assert await gaps(daemon) == []


async def test_an_event_that_no_resume_brings_begins_the_session_anew(tmp_path: Path) -> None:
    """Its channel's newest message was received, so that no head tells of the one before it."""
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(small_world(3)) as sim, running_daemon(sim, url, HASTY) as daemon:
        await daemon.idle(2)
        for number in range(5):  # more than sessions are begun for
            sim.gateway.drop(1, for_good=True)
            sim.change.post(TEXT, f"lost {number}")
            sim.change.post(TEXT, f"received {number}")
            await daemon.until(lambda: live_of(daemon), lambda live: live["channels_followed"] == 0)
            if number < 3:
                await daemon.until(lambda: gaps(daemon), lambda reasons: reasons == ["session_lost"])
            else:
                await daemon.until(lambda: live_of(daemon), lambda live: live["proven_until"] is None)
            job = await daemon.sync(GUILD)
            assert job["status"] == "succeeded"
            assert_current(url, truth(sim.world, GUILD), GUILD)
            assert await gaps(daemon) == []
            assert (job["progress"]["channels_followed"] > 0) is (number < 3), "of the last session events are missing"
        assert (sim.gateway.identifies, sim.gateway.resumes) == (1 + 3, 4)
