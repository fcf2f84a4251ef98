"""Links to archived files never die: an expired one is renewed by one request, and what cannot be renewed says why."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from adapters.discord.simulator.message_payloads import attachment
from storage.tables import attachments
from tests.support.archive import values_of
from tests.support.daemon import HASTY, ONLY_MESSAGES, Clock, Daemon, running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

PAGES = "/channels/{channel_id}/messages"


def file_of(channel_id: int, number: int) -> dict[str, Any]:
    """A file that was uploaded years ago: its link has expired."""
    return attachment(channel_id, 700_000_000_000_000_000 + number, f"{number}.png", 9, "image/png")


async def follow(daemon: Daemon, guild_id: int, file: dict[str, Any] | str) -> tuple[int, Any, str | None]:
    """Status, JSON and Location of the answer, which is not followed."""
    file_id = file if isinstance(file, str) else file["id"]
    path = f"/api/tenants/discord-{guild_id}/attachments/{file_id}"
    async with daemon._session.get(daemon.url + path, allow_redirects=False) as answer:
        return answer.status, json.loads(await answer.text()), answer.headers.get("Location")


async def test_links_are_renewed_by_one_request_and_stored(database_url: str) -> None:
    world = uniform_world(3, 10)
    ((guild_id, guild),) = world.guilds.items()
    room, gone, hidden = guild.channels
    files = {room: [file_of(room, n) for n in range(3)], gone: [file_of(gone, 3)], hidden: [file_of(hidden, 4)]}
    async with Simulator(world) as sim:
        for channel, its in files.items():
            sim.change.post(channel, "with files", silent=True, attachments=its[:2])
        sim.change.post(room, "one more", silent=True, attachments=files[room][2:])
        clock = Clock()
        async with running_daemon(sim, database_url, {**ONLY_MESSAGES, **HASTY}, clock=clock) as daemon:
            await daemon.idle()
            sim.rest.signs_anew = True
            before = sim.requests.count(PAGES)
            first = await asyncio.gather(*(follow(daemon, guild_id, files[room][0]) for _ in range(4)))
            answers = first[:1] + await asyncio.gather(*(follow(daemon, guild_id, file) for file in files[room][1:]))
            assert {status for status, *_ in answers} == {302}
            assert sim.requests.count(PAGES) == before + 1  # for all files of both messages, however often asked
            assert [body["url"] for _, body, _ in answers] == [location for *_, location in answers]
            assert len({location for *_, location in answers}) == 3
            stored = values_of(database_url, attachments.c.url)
            for file, (_, body, location) in zip(files[room], answers, strict=False):
                assert str(location).partition("?")[0] == file["url"].partition("?")[0] != location
                assert location in stored
                assert body["url_expires_at"] is not None
            await follow(daemon, guild_id, files[room][0])
            assert sim.requests.count(PAGES) == before + 1  # it is valid now
            clock.ahead = timedelta(days=2)
            assert (await follow(daemon, guild_id, files[room][0]))[0] == 410  # the simulator signs by the real time
            await refusals(sim, daemon, guild_id, files[gone][0], files[hidden][0])


async def refusals(sim: Simulator, daemon: Daemon, guild_id: int, gone: dict[str, Any], hidden: dict[str, Any]) -> None:
    """What cannot be renewed, and why."""
    (gone_at, gone_id), (hidden_at, _) = [
        (channel.id, message["id"])
        for channel in sim.world.guilds[guild_id].channels.values()
        for message in channel.messages
        if message.get("attachments") and message["attachments"][0]["id"] in (gone["id"], hidden["id"])
    ]
    assert (await follow(daemon, guild_id, "12345"))[:1] == (404,)
    assert (await follow(daemon, guild_id, "no id!"))[:1] == (404,)
    sim.faults.add(Fault("status", route=PAGES, status=500, times=4))
    status, problem, _ = await follow(daemon, guild_id, gone)
    assert (status, problem["code"]) == (502, "call_failed")
    sim.change.delete(gone_at, int(gone_id), silent=True)
    status, problem, _ = await follow(daemon, guild_id, gone)
    assert (status, problem["detail"]) == (
        410,
        "this file cannot be had any more: the platform shows its message no more",
    )
    sim.change.hide_channel(hidden_at, bot_keeps=True)

    async def answer() -> Any:
        return await follow(daemon, guild_id, hidden)

    status, problem, _ = await daemon.until(answer, lambda found: "not_public" in found[1]["detail"])
    requests = sim.requests.count(PAGES)
    assert (await answer())[0] == status == 410
    assert sim.requests.count(PAGES) == requests  # what is hidden is not read, for no link either


async def test_no_link_is_asked_for_during_a_demanded_pause(database_url: str) -> None:
    world = uniform_world(1, 5)
    ((guild_id, guild),) = world.guilds.items()
    file = file_of(next(iter(guild.channels)), 1)
    async with Simulator(world) as sim:
        sim.change.post(next(iter(guild.channels)), "with a file", silent=True, attachments=[file])
        async with running_daemon(sim, database_url, ONLY_MESSAGES) as daemon:
            await daemon.idle()
            sim.faults.add(Fault("rate_limit", route=PAGES, retry_after=90))
            first, second = await follow(daemon, guild_id, file), await follow(daemon, guild_id, file)
            assert [(status, problem["code"]) for status, problem, _ in (first, second)] == [(503, "rate_limited")] * 2
            assert 80 <= second[1]["retry_after_seconds"] <= 91
            assert sim.requests.count(PAGES, 429) == 1  # the second one did not ask
