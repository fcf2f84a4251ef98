"""What a platform hides, and may show again: it is neither deleted nor missing, and coverage says so."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from tests.support.contract.archives import Archived, archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import talk
from tests.support.daemon import ON_SQLITE, VERIFYING
from tests.support.faults import accept_reactions, refuse_reactions

pytestmark = pytest.mark.slow

POISON: Any = None  # where the database has to have a text


async def test_what_a_platform_hides_is_not_deleted(stage: Stage, database_url: str) -> None:
    if not stage.traits.hides_history:
        pytest.skip("it shows all of it")
    one, _, _ = talk(stage)
    async with archiving(stage, database_url) as archive:
        before = archive.rows()
        stage.hide_before(datetime.now(UTC))
        with stage.unheard():
            added = stage.say(one, "after it was hidden")
        for kind in ("manual", "audit"):
            assert (await archive.sync(kind))["status"] == "succeeded"
            assert before.items() <= archive.rows().items()
            assert (one, added) in archive.rows()
        assert await since_when(archive, one) is not None
        coverage = await archive.daemon.get(f"/api/tenants/{stage.tenant_id}/coverage")
        assert "hidden by the platform" in coverage["statement"]
        assert coverage["stored"] == coverage["of"] == len(archive.rows()), "what is hidden is no less a part of it"
        stage.hide_before(None)
        assert (await archive.sync("audit"))["status"] == "succeeded"
        assert archive.rows() == stage.truth()
        assert await since_when(archive, one) is None, "it is shown again"


async def since_when(archive: Archived, channel: str) -> str | None:
    """Return from when on the platform shows what is in a channel, by the archive."""
    channels = (await archive.daemon.get(f"/api/tenants/{archive.stage.tenant_id}/channels"))["channels"]
    (shown,) = [each["visible_since"] for each in channels if each["platform_id"] == channel]
    return shown if shown is None else str(shown)


@ON_SQLITE
async def test_what_could_not_be_written_before_it_was_hidden_is_not_gone(stage: Stage, database_url: str) -> None:
    if not stage.traits.hides_history:
        pytest.skip("it shows all of it")
    one, _, ids = talk(stage)
    file = Path(make_url(database_url).database or "")
    async with archiving(stage, database_url) as archive:
        tenant = f"/api/tenants/{stage.tenant_id}"

        async def unwritten() -> int:
            return int((await archive.daemon.get(tenant))["events_unwritten"])

        await asyncio.to_thread(refuse_reactions, file, one)
        stage.react(one, ids[-1], "🎉", 4)
        await archive.daemon.until(unwritten, bool)
        await asyncio.to_thread(accept_reactions, file)
        stage.hide_before(datetime.now(UTC))
        for kind in ("manual", "audit"):
            assert (await archive.sync(kind))["status"] == "succeeded"
            assert await unwritten() == 1, "nobody knows what became of it"
        stage.hide_before(None)
        assert (await archive.sync("audit"))["status"] == "succeeded"
        assert await unwritten() == 0
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_what_cannot_be_stored_stays_named_while_it_is_hidden(stage: Stage, database_url: str) -> None:
    if not stage.traits.hides_history:
        pytest.skip("it shows all of it")
    one, _, _ = talk(stage)
    poison = stage.say(one, POISON)
    async with archiving(stage, database_url) as archive:
        assert await set_aside(archive, one) == [poison]
        stage.hide_before(datetime.now(UTC))
        with stage.unheard():
            stage.say(one, "after it was hidden")
        for kind in ("manual", "audit"):
            await archive.sync(kind)
            assert await set_aside(archive, one) == [poison]


async def set_aside(archive: Archived, channel: str) -> list[str]:
    channels = (await archive.daemon.get(f"/api/tenants/{archive.stage.tenant_id}/channels"))["channels"]
    return [message for each in channels if each["platform_id"] == channel for message in each["set_aside"]]


@ON_SQLITE
async def test_nothing_is_asked_for_again_because_something_is_hidden(stage: Stage, database_url: str) -> None:
    if not stage.traits.hides_history:
        pytest.skip("it shows all of it")
    channel = stage.open_channel("one")
    stage.say(channel, "soon hidden")
    until = datetime.now(UTC)
    stage.say(channel, "shown")
    asked = []
    async with archiving(stage, database_url) as archive:
        for hidden_before in (None, until):
            stage.hide_before(hidden_before)
            stage.forget_requests()
            assert (await archive.sync("audit"))["status"] == "succeeded"
            asked.append(stage.requests)
        assert archive.rows() == stage.truth()
    assert len(set(asked)) == 1, asked


@ON_SQLITE
async def test_what_is_shown_again_is_no_longer_said_to_be_hidden(stage: Stage, database_url: str) -> None:
    """Of no channel and no thread, once pages of them were read that show all."""
    if not stage.traits.hides_history:
        pytest.skip("it shows all of it")
    talk(stage)
    async with archiving(stage, database_url) as archive:
        stage.hide_before(datetime.now(UTC))
        await archive.sync("audit")
        stage.hide_before(None)
        for kind in ("audit", "manual", "audit"):
            assert (await archive.sync(kind))["status"] == "succeeded"
        coverage = await archive.daemon.get(f"/api/tenants/{stage.tenant_id}/coverage")
        assert "hidden" not in coverage["statement"]


@ON_SQLITE
async def test_a_sample_takes_nothing_hidden_for_deleted(
    stage: Stage, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    if not stage.traits.hides_history:
        pytest.skip("it shows all of it")
    one, _, _ = talk(stage)
    async with archiving(stage, database_url, VERIFYING) as archive:
        stage.hide_before(datetime.now(UTC))
        added = stage.say(one, "after it was hidden")
        await archive.daemon.sees(lambda: (one, added) in archive.rows())
        for _ in range(2):
            assert (await archive.sync())["progress"]["repairs_done"] == 0
        assert "messages changed of which no event came" not in caplog.text
