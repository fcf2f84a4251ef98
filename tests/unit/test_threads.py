"""Listing archived threads: nothing skipped, nothing listed twice, early stop, interruption."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.threads import archived_threads

START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
PAGE = 5


class Channel:
    """Answers as Discord does: newest archived first, strictly before."""

    def __init__(self) -> None:
        self.archived: dict[int, datetime] = {}
        self.requests = 0

    async def fetch(self, before: str | None) -> dict[str, Any]:
        self.requests += 1
        order = sorted(self.archived, key=lambda i: (self.archived[i], i), reverse=True)
        if before is not None:
            order = [i for i in order if self.archived[i] < datetime.fromisoformat(before)]
        return {
            "threads": [
                {"id": str(i), "thread_metadata": {"archive_timestamp": self.archived[i].isoformat()}}
                for i in order[:PAGE]
            ],
            "has_more": len(order) > PAGE,
        }


async def listed(channel: Channel, cursor: Any, pages: int | None = None) -> tuple[list[str], Any]:
    """What a listing found, broken off after some pages."""
    found: list[str] = []
    async for threads, cursor_then in archived_threads(channel.fetch, cursor):
        found += [t["id"] for t in threads]
        cursor = cursor_then
        if pages is not None and (pages := pages - 1) == 0:
            break
    return found, cursor


async def test_an_unchanged_channel_costs_one_request() -> None:
    channel = Channel()
    channel.archived = {i: START + timedelta(seconds=i) for i in range(12)}
    found, cursor = await listed(channel, None)
    assert sorted(map(int, found)) == list(range(12))
    channel.requests = 0
    _, again = await listed(channel, cursor)
    assert (channel.requests, again) == (1, cursor)


async def test_threads_of_one_instant_on_both_sides_of_a_page_edge_are_found() -> None:
    channel = Channel()
    channel.archived = dict.fromkeys(range(3), START) | {i: START + timedelta(hours=i) for i in range(3, 7)}
    found, _ = await listed(channel, None)
    assert sorted(map(int, found)) == list(range(7))


async def test_a_channel_without_threads_has_no_mark() -> None:
    channel = Channel()
    assert await listed(channel, None) == ([], {})


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
        found, cursor = await listed(channel, cursor, pages)
        for platform_id in found:
            known[int(platform_id)] = channel.archived[int(platform_id)]
    assert known == channel.archived
