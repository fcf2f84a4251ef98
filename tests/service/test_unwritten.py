"""A live event that cannot be written is told of until its message was read, and can be followed through the log."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import truth
from adapters.events import ChannelRef, MessageCreated, MessagesDeleted
from adapters.privacy import UserHasher
from bot.check import Check, Mark
from bot.config import load
from bot.live.buffer import LiveBatch
from bot.live.unwritten import note_unwritten_events
from storage.connection import inspect_database
from storage.tables import unwritten_events
from tests.support.adapter import make_adapter
from tests.support.archive import assert_current
from tests.support.builders import NOW, message
from tests.support.daemon import Daemon, running_daemon
from tests.support.faults import accept_reactions, refuse_reactions, refuse_updates
from tests.support.live_writing import PLATFORM, TENANT, archive, hear_of, leading, until, writing
from tests.support.small_world import GUILD, MESSAGES, READER, TEXT, WRITER, small_world
from tests.support.tables_of import rows_of

pytestmark = pytest.mark.usefixtures("restored_addresses")

FIRST = MESSAGES[0]


async def told(daemon: Daemon) -> set[tuple[int, bool]]:
    """How many events are unwritten, and whether there is a warning, by each answer about the tenant."""
    answers = [await daemon.get(f"/api/tenants/discord-{GUILD}{what}") for what in ("", "/coverage", "/sync")]
    return {(answer["events_unwritten"], answer["warning"] is not None) for answer in answers}


@pytest.mark.slow
async def test_it_is_told_of_until_its_message_was_read(tmp_path: Path) -> None:
    file = tmp_path / "archive.db"
    url = f"sqlite+aiosqlite:///{file}"
    async with Simulator(small_world(20)) as sim, running_daemon(sim, url) as daemon:
        sim.change.react(TEXT, FIRST, "🔥", WRITER.id)
        await daemon.idle()
        assert await told(daemon) == {(0, False)}
        await asyncio.to_thread(refuse_reactions, file, TEXT)  # or the daemon could not give way
        sim.change.unreact(TEXT, FIRST, "🔥", WRITER.id)
        sim.change.react(TEXT, FIRST, "🔥", READER.id)
        await daemon.until(lambda: told(daemon), lambda found: found == {(1, True)})
        body, _ = await daemon.metrics.expose("")
        assert "platform_sync_live_events_unwritten 1.0" in body.decode()
        (tenant,) = (one for one in (await inspect_database(url)).tenants if one.id == f"discord-{GUILD}")
        assert tenant.events_unwritten == 1
        config, adapters = load(None, {"PLATFORM_SYNC_DATABASE__URL": url}), {"discord": make_adapter(sim)}
        findings = [finding async for finding in Check(config, UserHasher(), adapters).findings()]
        (finding,) = (one for one in findings if "could not be written: 1" in one.text)
        assert finding.mark is Mark.WARNING
        assert finding.about.startswith(f"discord-{GUILD} ")
        await asyncio.to_thread(accept_reactions, file)
        assert (await daemon.sync(GUILD))["status"] == "succeeded"
        assert await told(daemon) == {(0, False)}
    assert_current(f"sqlite+aiosqlite:///{file}", truth(sim.world, GUILD), GUILD)


def followed(caplog: pytest.LogCaptureFixture) -> dict[str, list[tuple[str, str]]]:
    """What was logged of each message: what became of an event, and why it was ignored."""
    lines: dict[str, list[tuple[str, str]]] = {}
    for record in caplog.records:
        facts: dict[str, Any] = vars(record)
        if record.levelno == logging.DEBUG and "message_id" in facts:
            line = record.getMessage().removeprefix("live event "), facts.get("because", "")
            lines.setdefault(facts["message_id"], []).append(line)
    return lines


@pytest.mark.slow
async def test_events_can_be_followed_by_their_ids(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "archive.db"
    for name in ("bot", "storage"):
        caplog.set_level(logging.DEBUG, name)
    async with archive(f"sqlite+aiosqlite:///{file}") as db:
        await asyncio.to_thread(refuse_updates, file, "messages", "deleted_at")
        live = await leading(db)

        def hear_created(number: int, channel: str = "5") -> None:
            place = ChannelRef(tenant_platform_id="1", platform_id=channel)
            live.submit(PLATFORM, MessageCreated(channel=place, message=message(number, content="secret")))

        hear_of(live, 2, 8)
        hear_created(8)
        hear_created(9)
        hear_created(10, "404")
        async with writing(live):

            async def noted() -> list[Any]:
                return [
                    (row["message_platform_id"], row["kind"], row["code"])
                    for row in await rows_of(db, unwritten_events)
                ]

            await until(noted, [("2", "deleted", "storage_error")])
            await until(lambda: _number_of(caplog), 4)
        found = followed(caplog)
        assert found["2"] == [("received", ""), ("not written: its message will be read", "")]
        assert found["9"] == [("received", ""), ("stored", "")]
        assert found["10"][1:] == [("ignored", "its channel is not known yet")]
        assert [what for what, _ in found["8"]] == ["received", "received", "ignored", "ignored"]
        assert "secret" not in str([vars(record) for record in caplog.records if record.levelno == logging.DEBUG])


async def _number_of(caplog: pytest.LogCaptureFixture) -> int:
    return len([lines for lines in followed(caplog).values() if len(lines) > 1])


@pytest.mark.slow
async def test_of_an_overflow_the_messages_are_kept(tmp_path: Path) -> None:
    async with archive(f"sqlite+aiosqlite:///{tmp_path}/archive.db") as db:
        batch = LiveBatch(lost={(TENANT, "5", "2"), (TENANT, "5", "404")})
        await note_unwritten_events(db, batch, NOW)
        (row,) = await rows_of(db, unwritten_events)
        assert (row["message_platform_id"], row["kind"], row["code"]) == ("2", "unknown", "overflow")


@pytest.mark.slow
async def test_what_another_process_writes_is_not_noted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("bot", "storage"):
        caplog.set_level(logging.DEBUG, name)
    async with archive(f"sqlite+aiosqlite:///{tmp_path}/archive.db") as db:
        live = await leading(db)
        live.following.led.clear()
        place = ChannelRef(tenant_platform_id="1", platform_id="5")
        live.submit(PLATFORM, MessagesDeleted(channel=place, message_platform_ids=("2",)))
        async with writing(live):
            await until(lambda: _number_of(caplog), 1)
        assert followed(caplog)["2"][1] == ("ignored", "another process writes the events of the platform")
        assert await rows_of(db, unwritten_events) == []
