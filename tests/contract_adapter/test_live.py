"""What happens while the bot is connected, and what happened while it was not."""

import pytest

from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.contract.talk import go_on, talk
from tests.support.daemon import ON_SQLITE, VERIFYING

pytestmark = pytest.mark.slow


async def test_what_happens_is_there_without_a_sync(stage: Stage, database_url: str) -> None:
    one, _, ids = talk(stage)
    async with archiving(stage, database_url) as archive:
        go_on(stage, one, ids)
        await archive.becomes_true()
        stage.forget_requests()
        job = await archive.sync()
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth()
        assert stage.requests == 1, "the listing"


async def test_what_happened_in_a_gap_is_there_after_the_next_sync(stage: Stage, database_url: str) -> None:
    one, _, ids = talk(stage)
    stage.react(one, ids[5], "👍", 2)
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            go_on(stage, one, ids)
            if stage.traits.sends_users_along:  # else as many others behind it show nowhere
                stage.react(one, ids[5], "👍", 2, back=True)
                stage.react(one, ids[5], "👍", 3)
        job = await archive.sync()
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth()


async def test_what_came_in_a_gap_into_a_channel_that_was_empty_is_there_after_the_next_sync(
    stage: Stage, database_url: str
) -> None:
    empty = stage.open_channel("empty")
    talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            stage.say(empty, "the first in it")
        job = await archive.sync()
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth()


async def test_what_never_had_an_event_is_found_by_a_whole_listing(stage: Stage, database_url: str) -> None:
    """Also in a channel whose newest message no listing names: the connection seemed unbroken all the time."""
    one, _, _ = talk(stage)
    async with archiving(stage, database_url, VERIFYING) as archive:
        with stage.held_back():
            stage.say(one, "its event never comes")
        job = await archive.sync()
        assert job["status"] == "succeeded", job["error"]
        assert archive.rows() == stage.truth()


@ON_SQLITE
async def test_an_edit_that_never_had_an_event_is_found_among_the_newest_messages(
    stage: Stage, database_url: str
) -> None:
    """Those that one answer of the platform holds are compared."""
    one, _, _ = talk(stage)
    async with archiving(stage, database_url, VERIFYING) as archive:
        newest = stage.say(one, "the newest of all")
        await archive.becomes_true()
        with stage.held_back():
            stage.edit(one, newest, "its event never comes")
        for _ in range(2):
            assert (await archive.sync())["status"] == "succeeded"
        assert archive.rows() == stage.truth()


async def test_threads_that_no_listing_shows_are_not_looked_for(stage: Stage, database_url: str) -> None:
    talk(stage)
    async with archiving(stage, database_url) as archive:
        with stage.unheard():
            stage.open_channel("another")
        assert (await archive.sync())["status"] == "succeeded"
        assert stage.look_ups == 0


async def test_a_listing_without_newest_messages_proves_nothing(stage: Stage, database_url: str) -> None:
    """Until when the archive is proven is never later than what was looked at."""
    talk(stage)
    async with archiving(stage, database_url) as archive:
        (first,) = await archive.daemon.idle()
        second = await archive.sync()
        is_later = second["progress"]["proven_until"] > first["progress"]["proven_until"]
        assert is_later == stage.traits.names_heads
