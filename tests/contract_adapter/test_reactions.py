"""Who is behind the reactions, where pages of messages do not hold all of them: asked for by the fewest requests."""

from math import ceil

import pytest

from tests.support.contract.archives import archiving
from tests.support.contract.stage import Stage
from tests.support.daemon import ON_SQLITE, end_of
from tests.support.parlour.stage import ParlourStage

pytestmark = pytest.mark.slow

EMOJI = ("🔥", "👍", "🎉")


def voted(stage: Stage) -> tuple[str, list[str]]:
    """Give three messages three emoji of two users each; return their channel and ids."""
    stage.send_few_users_along()
    channel = stage.open_channel("votes")
    ids = [stage.say(channel, f"vote {number}") for number in range(3)]
    for message_id in ids:
        for emoji in EMOJI:
            for user in (1, 2):
                stage.react(channel, message_id, emoji, user)
    return channel, ids


async def test_all_of_a_message_are_asked_for_at_once_where_that_can_be(stage: Stage, database_url: str) -> None:
    voted(stage)
    async with archiving(stage, database_url) as archive:
        (job,) = await archive.daemon.idle()
        assert (job["status"], job["progress"]["reactions_pending"]) == ("succeeded", 0), job["error"]
        assert stage.user_requests == 3 * (1 if stage.traits.tells_all_users_at_once else len(EMOJI))
        assert archive.rows() == stage.truth()
        asked = stage.user_requests
        assert (await archive.sync())["status"] == "succeeded"
        assert stage.user_requests == asked, "nothing is pending any more"


async def test_only_what_is_pending_is_asked_for(stage: Stage, database_url: str) -> None:
    channel, ids = voted(stage)
    async with archiving(stage, database_url) as archive:
        asked = stage.user_requests
        with stage.unheard():
            for emoji in EMOJI[:2]:
                stage.react(channel, ids[1], emoji, 3)
        assert (await archive.sync())["status"] == "succeeded"
        assert stage.user_requests - asked == (1 if stage.traits.tells_all_users_at_once else 2)
        assert archive.rows() == stage.truth()


@pytest.mark.parametrize("size", [None, 1])
@ON_SQLITE
async def test_what_is_left_of_them_is_told_in_answers_of_the_size_that_the_platform_gives(
    stage: Stage, database_url: str, size: int | None
) -> None:
    if size and isinstance(stage, ParlourStage):
        stage.answer_in_pages_of(size)
    elif size:
        pytest.skip("its answers have one size")
    _, ids = voted(stage)
    stage.limit_users(1)
    async with archiving(stage, database_url) as archive:
        (job,) = await archive.daemon.idle()
        assert end_of(job) == ("rate_limited", "rate_limited")
        done = len(ids) / stage.page_size
        left = len(ids) * len(EMOJI) * ceil(2 / stage.page_size)
        assert job["progress"]["fraction"] == round(done / (done + left), 4)


@ON_SQLITE
async def test_those_of_what_is_not_read_yet_are_expected_in_such_answers_too(database_url: str) -> None:
    """While a thread is read whose record tells how many messages it holds."""
    stage = ParlourStage()
    stage.answer_in_pages_of(1)
    stage.send_few_users_along()
    channel = stage.open_channel("votes")
    thread, first = stage.open_thread(channel, stage.say(channel, "a question"), "an answer")
    for message_id in (first, stage.say(thread, "another answer"), stage.say(thread, "a third one")):
        for user in (1, 2):
            stage.react(thread, message_id, "🔥", user)
    stage.while_read(thread, lambda: stage.limit_next(1))
    async with archiving(stage, database_url) as archive:
        (job,) = await archive.daemon.idle()
        assert end_of(job) == ("rate_limited", "rate_limited")
        done, left, lists = 2, 2, 2 * 2  # by the one answer that was read, of two messages in all
        assert job["progress"]["fraction"] == done / (done + left + lists)


async def test_a_message_that_goes_before_its_users_are_asked_for_is_marked(database_url: str) -> None:
    stage = ParlourStage()
    channel, ids = voted(stage)

    def delete_unheard() -> None:
        stage.fall_silent()
        stage.delete(channel, ids[0])

    stage.before_users(delete_unheard)
    async with archiving(stage, database_url) as archive:
        (job,) = await archive.daemon.idle()
        assert (job["status"], job["progress"]["reactions_pending"]) == ("succeeded", 0), job["error"]
        assert archive.rows() == stage.truth()
        assert (channel, ids[0]) not in archive.rows()
        assert stage.user_requests == 3


async def test_what_happens_to_a_message_while_its_users_come_is_not_lost(database_url: str) -> None:
    """All lists of one answer are older than it, and are fetched again."""
    stage = ParlourStage()
    channel, ids = voted(stage)
    stage.before_users(lambda: stage.react(channel, ids[0], "👍", 5))
    async with archiving(stage, database_url) as archive:
        await archive.daemon.idle()
        await archive.sync()
        assert archive.rows() == stage.truth()
