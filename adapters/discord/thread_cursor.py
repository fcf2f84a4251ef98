"""How far the archived threads of a channel have been listed, as stored between listings."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.discord.convert import timestamp
from adapters.pages import ThreadCursor

MARGIN = timedelta(minutes=15)  # how late the index behind Discord's listing may show a thread
_SETTLED = timedelta(days=1)  # after which the index certainly shows it; generous, since our clock may be wrong


@dataclass(frozen=True, slots=True)
class Span:
    """A range of archive times that is still to be listed, from the newest down."""

    resume: datetime | None  # archive times below it are left; None: all
    floor: datetime | None  # the lower end; None: there is none


@dataclass(slots=True)
class Listed:
    """Listing state: threads archived up to ``mark`` are listed, except for those in the spans of ``open``.

    Stored as a cursor: ``mark``; ``open``, a JSON list of pairs of times; ``anew``, the reason of the last complete
    listing. An earlier form held, in place of ``open``, one span from ``resume`` down to ``mark``, and the mark of the
    unfinished listing in ``pending``.
    """

    mark: datetime | None
    open: list[Span]
    relist_reason: str | None

    @classmethod
    def of(cls, cursor: ThreadCursor | None, now: datetime) -> "Listed":
        """Parse a cursor."""
        known = dict(cursor or {})
        mark, spans = timestamp(known.get("mark")), _spans(known.get("open"))
        if pending := timestamp(known.get("pending")):
            mark, spans = pending, [Span(timestamp(known.get("resume")), mark)]
        return cls(None if mark is None else min(mark, now), spans, known.get("anew"))

    def restart(self, relist_reason: str | None) -> None:
        """Discard the state, unless ``relist_reason`` is None or the reason for which it was last discarded."""
        if relist_reason is not None and self.relist_reason != relist_reason:
            self.mark, self.open, self.relist_reason = None, [], relist_reason

    def cursor(self) -> ThreadCursor:
        """Return the state as a cursor."""
        spans = [[_text(span.resume), _text(span.floor)] for span in self.open]
        parts = {"mark": _text(self.mark), "open": json.dumps(spans) if spans else None, "anew": self.relist_reason}
        return {key: part for key, part in parts.items() if part is not None}

    def shrink(self, resume: datetime | None) -> None:
        """Lower the upper end of the first open span to ``resume``; with None remove the span."""
        span = self.open.pop(0)
        if resume is not None:
            self.open.insert(0, Span(resume, span.floor))

    def raise_mark(self, newest: datetime | None, now: datetime) -> None:
        """Raise the mark to a listing's newest archive time, less a margin while the index may lag, at most to now."""
        if newest is None:
            return
        newest = min(newest, now)
        mark = newest if now - newest > _SETTLED else newest - MARGIN
        self.mark = mark if self.mark is None else max(mark, self.mark)


def _spans(text: str | None) -> list[Span]:
    return [Span(timestamp(resume), timestamp(floor)) for resume, floor in json.loads(text)] if text else []


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
