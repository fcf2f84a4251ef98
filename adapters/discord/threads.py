"""List a channel's archived threads, newest-archived first, down to what earlier listings have covered.

A thread's archive time changes whenever it is archived again, so nothing new hides below what a whole listing has seen,
but for threads that Discord's index shows late: so the mark stays some minutes behind. What a listing that was broken
off has left open is a span of times, which later ones go on with before they look for what is new.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from adapters.discord.convert import Payload, archive_time, as_objects, snowflake
from adapters.discord.thread_cursor import Listed, Span
from adapters.errors import CallFailed
from adapters.pages import ThreadCursor

log = logging.getLogger(__name__)

FaultOf: TypeAlias = Callable[[Payload], str | None]
"""Says why an answer cannot be true; None where it can."""

Fetch: TypeAlias = Callable[[str | None, FaultOf], Awaitable[Payload]]
"""Requests the page of threads archived before a time (ISO 8601), or with None the newest."""

# ``before`` excludes its own instant, so threads archived in the same one could fall between two pages. The first step
# that leads on is taken.
_STEPS = (timedelta(milliseconds=1), timedelta(microseconds=1), timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedThreads:
    """A page of a listing."""

    threads: list[Payload]  # those that may be new
    ids: frozenset[str]  # of all on the page
    after: datetime | None  # the page shows every thread archived after this time (None: down to the first) ...
    before: datetime | None  # ... and before this one
    cursor: ThreadCursor  # true once they are stored


@dataclass(frozen=True, slots=True)
class _Page:
    threads: list[Payload]
    before: datetime | None
    is_bottom: bool  # whether no older ones are archived

    @property
    def stamps(self) -> list[datetime]:
        return [archive_time(thread) for thread in self.threads]

    def ends(self, floor: datetime | None) -> bool:
        """Return whether a walk down to a floor ends here."""
        return self.is_bottom or (floor is not None and min(self.stamps) < floor)

    def listed(self, floor: datetime | None, cursor: ThreadCursor) -> ListedThreads:
        return ListedThreads(
            threads=[t for t in self.threads if floor is None or archive_time(t) >= floor],
            ids=frozenset(i for t in self.threads if (i := snowflake(t.get("id")))),
            after=None if self.is_bottom else min(self.stamps),
            before=self.before,
            cursor=cursor,
        )


async def archived_threads(
    fetch: Fetch, cursor: ThreadCursor | None, *, now: datetime, anew: str | None = None
) -> AsyncIterator[ListedThreads]:
    """List pages of threads that the cursor does not cover, each with the cursor that is true once they are stored.

    Args:
        fetch: requests a page.
        cursor: how far earlier listings came.
        now: the time, which no archive time may be ahead of.
        anew: why everything is to be listed once more; what was listed for the same reason is not again.

    Raises:
        CallFailed: a page does not lead on, also when it is asked for again.
    """
    listed = Listed.of(cursor, now)
    while listed.open:
        span = listed.open[0]
        async for page in _walk(fetch, span.resume):
            listed.shrink(None if page.ends(span.floor) else min(page.stamps))
            yield page.listed(span.floor, listed.cursor())
            if page.ends(span.floor):
                break
    listed.begin_anew(anew)  # not before: else a listing that is broken off again and again would never come to its end
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
    """Return where the next page is to begin: as near above the oldest as leads on."""
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
    stamps = [archive_time(thread) for thread in as_objects(threads)]
    if body.get("has_more") and not stamps:
        return "Discord says that there are more archived threads and lists none"
    if before is not None and stamps and min(stamps) >= before:
        return "Discord sent a page of archived threads that holds none before its cursor"
    return None
