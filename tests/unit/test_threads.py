"""Listing archived threads: nothing skipped, early stop, interruption, late indexing, answers that lead nowhere."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.thread_cursor import MARGIN
from adapters.discord.threads import archived_threads
from adapters.errors import CallFailed

START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
NOW = START + timedelta(days=100)
PAGE = 5


class Channel:
    """Answers as Discord does: newest archived first, strictly before."""

    def __init__(self, archived: dict[int, datetime] | None = None) -> None:
        self.archived = archived or {}
        self.hidden: set[int] = set()  # not indexed yet
        self.requests = 0

    async def fetch(self, before: str | None, fault_of: Callable[[Any], str | None]) -> dict[str, Any]:
        self.requests += 1
        order = sorted(self.archived, key=lambda i: (self.archived[i], i), reverse=True)
        order = [i for i in order if i not in self.hidden]
        if before is not None:
            order = [i for i in order if self.archived[i] < datetime.fromisoformat(before)]
        body = {"threads": [self.thread(i) for i in order[:PAGE]], "has_more": len(order) > PAGE}
        if fault := fault_of(body):
            raise CallFailed(fault, attempts=4)
        return body

    def thread(self, number: int) -> dict[str, Any]:
        return {"id": str(number), "thread_metadata": {"archive_timestamp": self.archived[number].isoformat()}}


async def listed(
    channel: Channel, cursor: Any, pages: int | None = None, *, now: datetime = NOW, relist_reason: str | None = None
) -> tuple[set[int], Any]:
    """What a listing found, broken off after some pages."""
    found: set[int] = set()
    async for page in archived_threads(channel.fetch, cursor, now=now, relist_reason=relist_reason):
        found |= {int(t["id"]) for t in page.threads}
        cursor = page.cursor
        if pages is not None and (pages := pages - 1) == 0:
            break
    return found, cursor


async def test_an_unchanged_channel_costs_one_request() -> None:
    channel = Channel({i: START + timedelta(seconds=i) for i in range(12)})
    found, cursor = await listed(channel, None)
    assert found == set(range(12))
    channel.requests = 0
    _, again = await listed(channel, cursor)
    assert (channel.requests, again) == (1, cursor)


@pytest.mark.parametrize("pages", [1, 2, None])
async def test_threads_of_one_instant_on_both_sides_of_a_page_edge_are_found(pages: int | None) -> None:
    channel = Channel(dict.fromkeys(range(4), START) | {i: START + timedelta(hours=i) for i in range(4, 8)})
    found, cursor = await listed(channel, None, pages)
    while "open" in cursor:
        more, cursor = await listed(channel, cursor, pages)
        found |= more
    assert found == set(range(8))


async def test_more_threads_of_one_millisecond_than_a_page_holds_are_found_by_their_microseconds() -> None:
    channel = Channel({i: START + timedelta(microseconds=7 * i) for i in range(3 * PAGE)})
    assert (await listed(channel, None))[0] == set(range(3 * PAGE))


async def test_more_threads_of_one_instant_than_a_page_holds_do_not_stop_the_walk(
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel = Channel(dict.fromkeys(range(10, 20), START) | {i: START - timedelta(hours=i) for i in range(1, 4)})
    found, _ = await listed(channel, None)
    assert {1, 2, 3} < found
    assert "share one archive time" in caplog.text


async def test_a_channel_without_threads_has_no_mark() -> None:
    assert await listed(Channel(), None) == (set(), {})


async def test_a_thread_that_is_indexed_late_is_found() -> None:
    channel = Channel({i: START + timedelta(minutes=i) for i in range(3)})
    channel.hidden = {1}
    now = START + timedelta(minutes=3)
    _, cursor = await listed(channel, None, now=now)
    channel.hidden = set()
    assert 1 in (await listed(channel, cursor, now=now + MARGIN / 2))[0]


async def test_where_much_was_archived_at_once_the_margin_is_not_paid_for_ever() -> None:
    channel = Channel({i: START + timedelta(seconds=i) for i in range(10 * PAGE)})
    for days in (0, 2):
        _, cursor = await listed(channel, None, now=START + timedelta(minutes=1, days=days))
    channel.requests = 0
    await listed(channel, cursor, now=START + timedelta(days=3))
    assert channel.requests == 1


async def test_every_page_of_a_listing_that_is_broken_off_counts() -> None:
    """Also where more is archived meanwhile than one listing gets through."""
    channel, found = Channel(), set[int]()
    cursor: Any = None
    now = START
    for round_ in range(4):
        for number in range(round_ * 20, round_ * 20 + 20):
            now += timedelta(hours=1)
            channel.archived[number] = now
        found |= (more := await listed(channel, cursor, 2, now=now))[0]
        cursor = more[1]
    channel.requests = 0
    while "open" in cursor:
        found |= (more := await listed(channel, cursor, 2, now=now))[0]
        cursor = more[1]
    found |= (await listed(channel, cursor, now=now))[0]
    assert found == set(range(80))
    assert channel.requests <= 80 / (PAGE - 1) + 4


async def test_a_time_to_come_hides_nothing() -> None:
    channel = Channel({1: START, 2: datetime.fromisoformat("9999-12-31T23:59:59.999999+00:00")})
    _, cursor = await listed(channel, {"mark": "9998-01-01T00:00:00+00:00"})
    channel.archived[3] = NOW + timedelta(minutes=1)
    assert 3 in (await listed(channel, cursor, now=NOW + timedelta(hours=1)))[0]


@pytest.mark.parametrize("stamp", [None, "", "9999-12-31T23:59:59-05:00"])
async def test_a_thread_without_an_archive_time_hides_none_below_it(stamp: str | None) -> None:
    class Odd(Channel):
        def thread(self, number: int) -> dict[str, Any]:
            has_stamp = number != 9  # on the first page; by its id it was created in 2015
            return super().thread(number) if has_stamp else {"id": "9", "thread_metadata": {"archive_timestamp": stamp}}

    channel = Odd({i: START + timedelta(hours=i) for i in range(12)})
    found, cursor = await listed(channel, None)
    assert found == set(range(12))
    channel.archived |= {i: START + timedelta(hours=12, minutes=i) for i in range(20, 30)}
    channel.archived[9] = START + timedelta(hours=13)
    assert (await listed(channel, cursor))[0] >= {9, *range(20, 30)}


async def test_all_are_listed_once_more_for_a_new_reason_and_no_more_for_the_same() -> None:
    channel = Channel({i: START + timedelta(hours=i) for i in range(20)})
    _, cursor = await listed(channel, None)
    first, cursor = await listed(channel, cursor, 2, relist_reason="a gap")
    rest, cursor = await listed(channel, cursor, relist_reason="a gap")
    assert first | rest == set(range(20))
    channel.requests = 0
    await listed(channel, cursor, relist_reason="a gap")
    assert channel.requests == 1


async def test_a_listing_comes_to_its_end_however_often_there_is_a_new_reason() -> None:
    channel, found = Channel({i: START + timedelta(hours=i) for i in range(40)}), set[int]()
    cursor: Any = None
    for gap in range(12):
        more, cursor = await listed(channel, cursor, 2, relist_reason=f"gap {gap}")
        found |= more
    assert found == set(range(40))


async def test_a_cursor_of_an_earlier_form_is_gone_on_with() -> None:
    channel = Channel({i: START + timedelta(hours=i) for i in range(20)})
    stamps = {name: channel.archived[number].isoformat() for name, number in (("mark", 4), ("pending", 18))}
    found, cursor = await listed(channel, {**stamps, "resume": channel.archived[10].isoformat()})
    assert set(range(4, 11)) | {18, 19} <= found
    assert set(cursor) == {"mark"}


@pytest.mark.parametrize(
    "body",
    [
        {"threads": [], "has_more": True},
        {"has_more": False},
        {"threads": [{"id": "1", "thread_metadata": {"archive_timestamp": NOW.isoformat()}}], "has_more": True},
    ],
    ids=["none of more", "no list", "always the same"],
)
async def test_an_answer_that_leads_nowhere_is_a_failed_call(body: dict[str, Any]) -> None:
    channel = Channel()

    async def fetch(_: str | None, fault_of: Callable[[Any], str | None]) -> dict[str, Any]:
        channel.requests += 1
        assert channel.requests < 20, "it is asked for ever"
        if fault := fault_of(body):
            raise CallFailed(fault, attempts=4)
        return body

    with pytest.raises(CallFailed):
        async for _ in archived_threads(fetch, None, now=NOW):
            pass
    assert channel.requests <= 4


async def test_a_page_says_which_times_it_covers() -> None:
    channel = Channel({i: START + timedelta(hours=i) for i in range(8)})
    pages = [page async for page in archived_threads(channel.fetch, None, now=NOW)]
    first, last = pages
    assert (first.after, first.before) == (channel.archived[3], None)
    assert last.after is None
    assert last.before is not None
    assert channel.archived[3] < last.before < channel.archived[4]
    assert set().union(*(page.ids for page in pages)) == {str(i) for i in range(8)}
    assert json.loads(first.cursor["open"])


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 40), max_size=8), st.none() | st.integers(1, 3)), min_size=1, max_size=6)
)
async def test_interrupted_listings_miss_nothing(rounds: list[tuple[list[int], int | None]]) -> None:
    """Threads are archived (again) between listings that may break off; a last whole one has then seen them all."""
    channel, known = Channel(), dict[int, datetime]()
    cursor: str | None = None
    now = START
    for archived_now, pages in [*rounds, ([], None)]:
        for thread in archived_now:
            now += timedelta(seconds=1)
            channel.archived[thread] = now
        found, cursor = await listed(channel, cursor, pages, now=now)
        known |= {number: channel.archived[number] for number in found}
    assert known == channel.archived
