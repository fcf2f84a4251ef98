"""Content that Discord withholds in mid-life, by whatever road: nothing is stored of it, and it is said."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Fault, Simulator, World, uniform_world
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.truth import truth
from adapters.errors import ContentWithheld
from adapters.records import MessageRecord
from tests.support.adapter import Connected, connected
from tests.support.archive import archived, assert_equal_to_truth
from tests.support.daemon import archiving, end_of
from tests.support.guilds import guild_of
from tests.support.patience import PATIENCE_SECONDS
from tests.support.small_world import GUILD, QUIET, TEXT, small_world

GRANT = "/oauth2/applications/@me"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


def withhold(world: World) -> None:
    world.withholds_content = True


def withdraw(world: World) -> None:
    world.application_flags = 0


async def read(session: PlatformSession, channel: int, after: str | None = None) -> tuple[MessageRecord, ...]:
    return (await session.messages(str(channel), after)).messages


@pytest.mark.parametrize(("end", "words"), [(withhold, "although"), (withdraw, "switch on")])
async def test_a_page_of_blanks_is_refused(end: Callable[[World], None], words: str) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        end(sim.world)
        with pytest.raises(ContentWithheld, match=words):
            await link.adapter.sync(str(GUILD), lambda session: read(session, TEXT))


async def test_content_that_was_granted_while_the_bot_logged_in_is_read() -> None:
    async with Simulator(small_world()) as sim:
        granted, sim.world.application_flags = sim.world.application_flags, 0
        sim.faults.add(Fault("late", "/gateway/bot", seconds=0.3))
        asked = asyncio.create_task(_grant_at(sim, "/gateway/bot", granted))
        async with connected(sim, identify_delay_seconds=0) as link:
            await asked
            for _ in range(600):
                if messages := await _read_where_granted(link):
                    break
                await asyncio.sleep(0.1)
            assert messages, "a grant is seen without another log-in"


async def _read_where_granted(link: Connected) -> object:
    with suppress(ContentWithheld):
        return await link.adapter.sync(str(GUILD), lambda session: read(session, TEXT))
    return None


@pytest.mark.parametrize("fault", [None, "invalid_json", "rate_limit"])
async def test_syncs_without_content_share_a_request_for_the_grant(fault: Any) -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:
        assert link.adapter._client is not None
        link.adapter._client.login.application_flags = sim.world.application_flags = 0
        if fault:
            sim.faults.add(Fault(fault, GRANT, retry_after=60.0, times=None))
        before = sim.requests.count(GRANT)
        assert not any(await asyncio.gather(*(_read_where_granted(link) for _ in range(30))))
        assert 1 <= sim.requests.count(GRANT) - before <= 3


async def _grant_at(sim: Simulator, route: str, flags: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not sim.requests.count(route):  # noqa: ASYNC110 (the log of requests has no event)
            await asyncio.sleep(0.005)
    sim.world.application_flags = flags


@pytest.mark.parametrize("channel", [TEXT, QUIET])
async def test_one_blank_message_is_refused_where_others_are_blank_too(channel: int) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        newest = int(sim.change.post(channel, "news")["id"])
        withhold(sim.world)
        with pytest.raises(ContentWithheld):
            await link.adapter.sync(str(GUILD), lambda session: read(session, channel, str(newest - 1)))


@pytest.mark.parametrize("channel", [TEXT, QUIET])
async def test_a_message_without_content_is_kept_where_others_have_some(channel: int) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        bare = int(sim.change.post(channel, "")["id"])
        page = await link.adapter.sync(str(GUILD), lambda session: read(session, channel, str(bare - 1)))
        assert [record.content for record in page] == [""]


@pytest.mark.parametrize("words", ["the bot's own", "a mention"])
async def test_what_a_bot_gets_in_any_case_proves_nothing(words: str) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        bot = sim.world.bot
        whose: dict[str, Any] = {"author_id": bot.id} if "own" in words else {"mentions": [user_payload(bot)]}
        first = int(sim.change.post(QUIET, words, **whose)["id"])
        withhold(sim.world)
        page = await link.adapter.sync(str(GUILD), lambda session: read(session, QUIET))
        assert [record.content for record in page] == [words]
        sim.change.post(QUIET, "an ordinary one")
        with pytest.raises(ContentWithheld):
            await link.adapter.sync(str(GUILD), lambda session: read(session, QUIET, str(first - 1)))


@pytest.mark.parametrize("end", [withhold, withdraw])
async def test_the_archive_keeps_its_texts_and_goes_on_when_they_come_back(
    tmp_path: Any, end: Callable[[World], None]
) -> None:
    database_url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    world = uniform_world(3, 120)
    guild_id, flags = guild_of(world), world.application_flags
    first, *_ = world.guilds[guild_id].channels
    async with archiving(world, database_url) as (sim, daemon):
        stored = archived(database_url, "messages", guild_id)
        end(world)
        edited = int(world.guilds[guild_id].channels[first].messages.page(limit=1)[0]["id"])
        sim.change.edit(first, edited, "an edit that comes blank")
        sim.change.post(first, "news")
        for kind in ("manual", "audit"):
            _, asked = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": kind})
            job = await daemon.job_ended(asked["job_id"])
            assert end_of(job) == ("failed", "content_withheld")
            assert archived(database_url, "messages", guild_id) == stored
        world.withholds_content, world.application_flags = False, flags
        assert (await daemon.sync(guild_id))["status"] == "succeeded"
    assert_equal_to_truth(database_url, truth(world, guild_id), guild_id, without=["reactions"])
