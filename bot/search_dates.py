"""Times as people write them into the search box: a year, a month, a day, or a moment by ISO 8601, in UTC."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from storage.search import TimeSpan

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", re.ASCII)
_FORMS = "must be a year, month, day or time, as in 2026, 2026-05, 2026-05-17 or 2026-05-17T16:30Z"
_MINUTE_LENGTH = len("2026-05-17T16:30")


def time_of(text: str) -> TimeSpan:
    """Read a time: all of the year, month, day, minute or second that is named.

    Raises:
        ValueError: it is none; the message says what would be.
    """
    found = _DATE.fullmatch(text)
    if not found:
        return _moment(text)
    year, month, day = (int(part) if part else None for part in found.groups())
    try:
        since = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"there is no such date; it {_FORMS}") from None
    return TimeSpan(since=since, until=_end(since, month, day))


def _end(since: datetime, month: int | None, day: int | None) -> datetime | None:
    """Return the beginning of what follows; None: the calendar ends with it."""
    try:
        if day:
            return since + timedelta(days=1)
        if month and month < 12:
            return since.replace(month=month + 1)
        return since.replace(year=since.year + 1, month=1)
    except (OverflowError, ValueError):
        return None


def _moment(text: str) -> TimeSpan:
    if "T" not in text.upper():
        raise ValueError(_FORMS)
    try:
        since = datetime.fromisoformat(text)
        since = since.replace(tzinfo=UTC) if since.tzinfo is None else since.astimezone(UTC)
        has_seconds = ":" in text[_MINUTE_LENGTH : _MINUTE_LENGTH + 1]
        return TimeSpan(since=since, until=since + timedelta(seconds=1 if has_seconds else 60))
    except (OverflowError, ValueError):
        raise ValueError(_FORMS) from None


def have_time_in_common(values: Iterable[object]) -> bool:
    """Find out whether there is a time that lies in all spans among some values."""
    spans = [value for value in values if isinstance(value, TimeSpan)]
    since = [span.since for span in spans if span.since]
    until = [span.until for span in spans if span.until]
    return not since or not until or max(since) < min(until)
