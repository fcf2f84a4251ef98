"""Pages of messages as odd servers send them: nothing lost, nothing foreign; what cannot be true is a failed call."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.discord.convert import as_payload, message_record, own_messages
from adapters.discord.message_page import fault_of_page, message_page
from adapters.discord.reaction_users import reaction_users
from adapters.errors import CallFailed, UntrueAnswer
from adapters.pages import MessagePage
from bot.sync.pages import read_behind
from tests.support.builders import message

START = 1_000_000_000_000 << 22  # an id's time is in its upper bits, in milliseconds


def sent(*numbers: int, **parts: Any) -> list[dict[str, Any]]:
    """Messages a millisecond and a bit apart: number 12 is the third of millisecond 1."""
    return [{"id": str(cursor(number)), "channel_id": "5", **parts} for number in numbers]


def cursor(number: int) -> int:
    return START + (number // 10 << 22) + number % 10


def page_of(body: Any, after: int = 0) -> MessagePage:
    own = own_messages(body, "5")
    records = [r for sent in own if (r := message_record(as_payload(sent), "5", str))]
    return message_page(len(body), own, records, "5", after)


def read(body: Any, after: int = 0) -> tuple[list[int], int | None]:
    page = page_of(body, after)
    numbers = [int(m.platform_id) - START for m in page.messages]
    return [(n >> 22) * 10 + (n & 15) for n in numbers], None if page.reached is None else int(page.reached)


def test_a_page_is_read_in_order_and_each_message_once() -> None:
    assert read(sent(31, 20, 20, 10)) == ([10, 20, 31], cursor(31))
    assert read(sent(10, 20, 31)) == ([10, 20, 31], cursor(31))
    assert read([]) == ([], None)


def test_behind_a_page_in_another_order_its_last_millisecond_is_read_again() -> None:
    numbers, reached = read(sent(31, 33, 20, 10))
    assert numbers == [10, 20, 31, 33]
    assert reached is not None
    assert cursor(20) < reached < cursor(30), "32 may have been cut off"
    assert read(sent(33, 31, 32), after=cursor(30) - 1)[1] == cursor(33), "where that is all it holds, the walk goes on"


def test_what_is_not_of_the_channel_is_left_out() -> None:
    page = [*sent(10), *sent(20, channel_id="6"), {"id": None}, {"content": "without an id"}, "nothing"]
    assert read(page)[0] == [10]
    assert fault_of_page(page, "5", 0) is None
    assert fault_of_page(sent(20, channel_id="6"), "5", 0)


@pytest.mark.parametrize("body", [sent(10), sent(20), sent(20, 10), [{}], [None], ["x"]], ids=str)
def test_a_page_without_anything_beyond_the_cursor_is_a_failed_call(body: Any) -> None:
    assert fault_of_page(body, "5", cursor(20))


def test_a_cursor_that_is_sent_again_or_late_is_no_fault_but_one_that_is_ignored_is() -> None:
    assert fault_of_page(sent(30, 20, 19), "5", cursor(20)) is None
    assert read(sent(30, 20, 19), after=cursor(20))[0] == [19, 20, 30]
    assert fault_of_page(sent(800_000, 700_000, 10), "5", cursor(700_000))
    assert fault_of_page([], "5", cursor(20)) is None, "an empty page is for others to believe or not"


def test_a_page_is_full_by_what_was_sent() -> None:
    body = [*sent(*range(10, 1_000, 10)), {"content": "without an id"}]
    assert page_of(body).is_full
    assert not page_of(body[1:]).is_full


async def test_a_list_of_users_whose_cursor_stands_still_ends_at_the_first_page_that_does_not_move_it() -> None:
    page, cursors = [{"id": str(number)} for number in range(1, 101)], list[int | None]()

    async def fetch(after: int | None, fault_of: Callable[[list[Any]], str | None]) -> list[Any]:
        cursors.append(after)
        assert len(cursors) < 5, "it is asked for ever"
        if fault := fault_of(page):
            raise CallFailed(fault, attempts=4)
        return page

    with pytest.raises(CallFailed, match="holds none beyond"):
        await reaction_users(fetch, 1_000)
    assert cursors == [None, 100]


class Stuck:
    """A platform that shows one page, whatever it is to begin after."""

    async def messages(self, *_: object, **__: object) -> MessagePage:
        return MessagePage(messages=(message(4), message(5)), reached="5", is_full=True)


async def test_a_walk_ends_at_a_page_that_does_not_lead_on_whatever_platform_it_is_of() -> None:
    stuck: Any = Stuck()
    for with_witness in (False, True):
        answer = await read_behind(stuck, "1", "4", parent_id=None, with_witness=with_witness)
        assert answer.reached == "5"
        with pytest.raises(CallFailed, match="does not lead beyond"):
            await read_behind(stuck, "1", "6", parent_id=None, with_witness=with_witness)
    with pytest.raises(CallFailed, match="does not lead beyond"):
        await read_behind(stuck, "1", "5", parent_id=None, with_witness=False)


class Newest:
    """A platform that ignores the cursor and shows its newest page."""

    def __init__(self, newest: int) -> None:
        self._shown = tuple(message(number) for number in range(newest - 4, newest + 1))

    async def messages(self, *_: object, **__: object) -> MessagePage:
        return MessagePage(messages=self._shown, reached=self._shown[-1].platform_id, is_full=True)


@pytest.mark.parametrize("new", [0, 1, 2])
async def test_the_newest_page_does_not_pass_for_the_one_behind_it(new: int) -> None:
    newest: Any = Newest(100 + new)
    with pytest.raises(UntrueAnswer, match="before its cursor"):
        await read_behind(newest, "1", "100", parent_id=None, with_witness=True)


class Sends:
    """A channel that sends pages as they are, whatever they are asked for."""

    def __init__(self, *pages: MessagePage) -> None:
        self.pages = list(pages)
        self.cursors: list[str | None] = []

    async def messages(self, _: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        """Send the next page."""
        self.cursors.append(after)
        return self.pages.pop(0)


async def test_an_empty_page_that_says_that_more_follows_is_not_the_end() -> None:
    """As of an adapter that leaves all of a page out: what lies behind would be lost, silently."""
    for reached in (None, "120"):
        session: Any = Sends(MessagePage(messages=(), reached=reached, is_full=True))
        with pytest.raises(UntrueAnswer, match="says that more follows"):
            await read_behind(session, "5", "100", parent_id=None, with_witness=False)


async def test_a_full_page_of_nothing_but_the_message_that_is_known_leads_on() -> None:
    known, new = (message(n) for n in (100, 121))
    session: Any = Sends(
        MessagePage(messages=(known,), reached="100", is_full=True),
        MessagePage(messages=(new,), reached="121", is_full=False),
    )
    answer = await read_behind(session, "5", "100", parent_id=None, with_witness=True)
    assert ([m.platform_id for m in answer.messages], answer.reached) == (["121"], "121")
    assert session.cursors == ["99", "100"]
