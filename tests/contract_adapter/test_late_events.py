"""Events that come late: after a page that shows what they tell, after newer ones, or while a page is on its way."""

import pytest

from tests.support.contract.archives import Archived, archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import go_on, talk
from tests.support.daemon import ON_SQLITE
from tests.support.parlour.stage import ParlourStage

pytestmark = pytest.mark.slow


async def all_is_told(archive: Archived, channel: str) -> None:
    """Wait until events that were sent are written: one more that comes behind them is."""
    archive.stage.say(channel, "behind all of them")
    await archive.becomes_true()


async def test_what_a_page_showed_already_is_told_without_harm(stage: Stage, database_url: str) -> None:
    one, _, ids = talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.held_back() as send:
            go_on(stage, one, ids)
        job = await archive.sync("audit")
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth(), "the pages show it"
        send()
        await all_is_told(archive, one)
        for kind in ("manual", "audit"):
            assert (await archive.sync(kind))["status"] == "succeeded"
            assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_what_is_older_than_what_is_stored_changes_nothing(stage: Stage, database_url: str) -> None:
    one, _, ids = talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.held_back() as send:
            stage.edit(one, ids[2], "the first version")
            short_lived = stage.say(one, "soon deleted")
        stage.edit(one, ids[2], "the second version")
        stage.delete(one, short_lived)
        await archive.becomes_true()
        send()
        await all_is_told(archive, one)
        assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()


async def test_an_event_that_names_the_channel_is_noted_of_its_threads_that_are_read(database_url: str) -> None:
    """The page of the thread is older than the event, which finds nothing stored: the message is read again."""
    stage = ParlourStage()
    channel = stage.open_channel("one")
    root = stage.say(channel, "a question")
    thread, answer = stage.open_thread(channel, root, "an answer")
    deleted = stage.say(thread, "soon deleted")
    reacted = stage.say(thread, "soon reacted to")

    def happen() -> None:
        stage.edit(thread, answer, "an answer, corrected")
        stage.delete(thread, deleted)
        stage.react(thread, reacted, "👍", 3)

    stage.while_read(thread, happen)
    async with archiving(stage, database_url) as archive:
        (job,) = await archive.daemon.idle()
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_while_a_thread_is_read_again_too(database_url: str) -> None:
    stage = ParlourStage()
    channel = stage.open_channel("one")
    root = stage.say(channel, "a question")
    thread, answer = stage.open_thread(channel, root, "an answer")
    async with archiving(stage, database_url) as archive:
        stage.while_read(thread, lambda: stage.edit(thread, answer, "corrected"))
        assert (await archive.sync("audit"))["status"] == "succeeded"
        assert archive.rows() == stage.truth()
