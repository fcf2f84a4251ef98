"""List a channel's archived threads, newest-archived first, down to what an earlier listing has covered.

A thread's archive timestamp changes whenever it is archived again, so nothing new hides below a complete listing's
newest one. An interrupted listing leaves where it stopped; the next one closes the gap above, then goes on there.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.base import ThreadCursor
from adapters.discord.convert import Payload, as_object, as_objects, snowflake, snowflake_time, timestamp

log = logging.getLogger(__name__)

Fetch = Callable[[str | None], Awaitable[Payload]]
"""Requests the page of threads archived before a time (ISO 8601), or with None the newest."""

# ``before`` excludes its own instant, so threads archived in the same one could fall between two pages.
_OVERLAP = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class _Page:
    threads: list[Payload]
    oldest: str
    is_last: bool


async def archived_threads(
    fetch: Fetch, cursor: ThreadCursor | None
) -> AsyncIterator[tuple[list[Payload], ThreadCursor]]:
    """List pages of threads that the cursor does not cover, each with the cursor that is true once they are stored.

    The cursor holds ``mark``, the newest archive time of the last complete listing, and while one is under way
    ``pending``, what its mark will be, and ``resume``, how far down it has come.
    """
    known = dict(cursor or {})
    mark, pending, resume = (known.get(key) for key in ("mark", "pending", "resume"))
    newest = None
    async for page in _walk(fetch, None, pending or mark):
        newest = newest or (_stamp(page.threads[0]) if page.threads else None)
        if pending is not None:
            yield page.threads, known
        elif page.is_last:
            yield page.threads, _cursor(mark=newest or mark)
        else:
            yield page.threads, _cursor(mark=mark, pending=newest, resume=page.oldest)
    if pending is None:
        return
    newest = newest or pending
    async for page in _walk(fetch, resume, mark):
        if page.is_last:
            yield page.threads, _cursor(mark=newest)
        else:
            yield page.threads, _cursor(mark=mark, pending=newest, resume=page.oldest)


async def _walk(fetch: Fetch, before: str | None, floor: str | None) -> AsyncIterator[_Page]:
    seen: set[str | None] = set()
    while True:
        body = await fetch(before)
        listed = as_objects(body.get("threads"))
        fresh = [t for t in listed if snowflake(t.get("id")) not in seen]
        above = [t for t in fresh if floor is None or _time(_stamp(t)) >= _time(floor)]
        is_last = not listed or not body.get("has_more") or len(above) < len(fresh)
        oldest = _stamp(listed[-1]) if listed else ""
        yield _Page(above, oldest, is_last)
        if is_last:
            return
        if fresh:
            before = (_time(oldest) + _OVERLAP).isoformat()
        else:
            log.warning("more archived threads share one archive time than Discord lists at once; some may be missed")
            before = oldest
        seen = {snowflake(t.get("id")) for t in listed}


def _cursor(**parts: str | None) -> ThreadCursor:
    return {key: part for key, part in parts.items() if part is not None}


def _stamp(thread: Payload) -> str:
    stamp = as_object(thread.get("thread_metadata")).get("archive_timestamp")
    if isinstance(stamp, str) and timestamp(stamp):
        return stamp
    return snowflake_time(snowflake(thread.get("id")) or "0").isoformat()


def _time(stamp: str) -> datetime:
    return timestamp(stamp) or snowflake_time("0")
