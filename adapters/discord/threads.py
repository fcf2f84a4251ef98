"""List a channel's archived threads, the newest-archived first, down to what earlier listings have covered.

A thread's archive time changes whenever it is archived again, so everything below the mark of a complete listing is
known. Discord's index may show a thread late, so the mark stays some minutes behind. An interrupted listing leaves an
open span of archive times, which the next listing finishes before it looks for new threads.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from adapters.discord.convert import Payload, archive_stamp, archive_time, as_objects, snowflake
from adapters.discord.thread_cursor import Listed, Span
from adapters.errors import CallFailed
from adapters.pages import ThreadCursor

log = logging.getLogger(__name__)

FaultOf: TypeAlias = Callable[[Payload], str | None]
"""Returns why an answer is impossible; None where it is valid."""

Fetch: TypeAlias = Callable[[str | None, FaultOf], Awaitable[Payload]]
"""Requests the page of threads archived before a time (ISO 8601), or with None the newest."""

# ``before`` excludes its own instant, so that threads archived in one instant could fall between two pages. Of these
# offsets the first is taken with which the cursor still moves.
_STEPS = (timedelta(milliseconds=1), timedelta(microseconds=1), timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedThreads:
    """A page of a listing, and the cursor that is valid once it is stored."""

    threads: list[Payload]  # those that may be new
    ids: frozenset[str]  # of all threads on the page
    after: datetime | None  # the page holds every thread archived after this time (None: no lower end) ...
    before: datetime | None  # ... and before this one
    cursor: ThreadCursor  # valid once the threads are stored


@dataclass(frozen=True, slots=True)
class _Page:
    threads: list[Payload]
    before: datetime | None
    is_bottom: bool  # whether no older archived threads follow

    @property
    def stamps(self) -> list[datetime]:
        return _stamps(self.threads)

    def ends(self, floor: datetime | None) -> bool:
        """Return whether the listing reaches ``floor`` with this page."""
        return self.is_bottom or (floor is not None and min(self.stamps) < floor)

    def listed(self, floor: datetime | None, cursor: ThreadCursor) -> ListedThreads:
        return ListedThreads(
            threads=[t for t in self.threads if floor is None or (archive_stamp(t) or floor) >= floor],
            ids=frozenset(i for t in self.threads if (i := snowflake(t.get("id")))),
            after=None if self.is_bottom else min(self.stamps),
            before=self.before,
            cursor=cursor,
        )


async def archived_threads(
    fetch: Fetch, cursor: ThreadCursor | None, *, now: datetime, relist_reason: str | None = None
) -> AsyncIterator[ListedThreads]:
    """List pages of threads that the cursor does not cover, each with the cursor that is valid once it is stored.

    Args:
        fetch: requests a page.
        cursor: how far earlier listings came.
        now: the current time; archive times beyond it are cut to it.
        relist_reason: the reason for a complete listing; ignored where the last complete listing had the same reason.

    Raises:
        CallFailed: a page does not move the cursor, also when requested again.
    """
    listed = Listed.of(cursor, now)
    while listed.open:
        span = listed.open[0]
        async for page in _walk(fetch, span.resume):
            listed.shrink(None if page.ends(span.floor) else min(page.stamps))
            yield page.listed(span.floor, listed.cursor())
            if page.ends(span.floor):
                break
    listed.restart(relist_reason)  # only here: an interrupted complete listing must be able to finish
    floor = listed.mark
    is_first = True
    async for page in _walk(fetch, None):
        if is_first:
            listed.raise_mark(max(page.stamps, default=None), now)
            listed.open.insert(0, Span(None, floor))
        is_first = False
        listed.shrink(None if page.ends(floor) else min(page.stamps))
        yield page.listed(floor, listed.cursor())
        if page.ends(floor):
            return


async def _walk(fetch: Fetch, resume: datetime | None) -> AsyncIterator[_Page]:
    before = None if resume is None else resume + _STEPS[0]
    while True:
        cursor = before

        def fault_of(body: Payload, cursor: datetime | None = cursor) -> str | None:
            return _fault_of(body, cursor)

        body = await fetch(None if before is None else before.isoformat(), fault_of)
        page = _Page(as_objects(body.get("threads")), before, not body.get("has_more"))
        yield page
        if page.is_bottom:
            return
        before = _next(min(page.stamps), before)


def _next(oldest: datetime, before: datetime | None) -> datetime:
    """Return the cursor of the next page: the least offset above the oldest thread that still moves it."""
    for step in _STEPS:
        if before is None or oldest + step < before:
            if not step:
                log.warning("more archived threads share one archive time than Discord lists; some may be missed")
            return oldest + step
    raise CallFailed("Discord sent a page of archived threads that does not lead on", attempts=1)


def _fault_of(body: Payload, before: datetime | None) -> str | None:
    threads = body.get("threads")
    if not isinstance(threads, list):
        return "Discord sent no list of archived threads"
    stamps = _stamps(as_objects(threads))
    if body.get("has_more") and not stamps:
        return "Discord says that there are more archived threads and lists none"
    if before is not None and stamps and min(stamps) >= before:
        return "Discord sent a page of archived threads that holds none before its cursor"
    return None


def _stamps(threads: list[Payload]) -> list[datetime]:
    """Return the archive times by which the listing is ordered.

    The creation time stands in only where no thread has an archive time: it may be years older than the archive time,
    and a walk that went on below it would skip the threads between.
    """
    return [stamp for thread in threads if (stamp := archive_stamp(thread))] or [archive_time(t) for t in threads]
