"""How far a channel's archived threads have been listed, as it is kept between listings."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.discord.convert import timestamp
from adapters.pages import ThreadCursor

MARGIN = timedelta(minutes=15)  # how late Discord's index may show a thread
_SETTLED = timedelta(days=1)  # when it surely shows it; long, because our clock may be wrong


@dataclass(frozen=True, slots=True)
class Span:
    """Archive times that a listing has yet to go through, from the newer ones down."""

    resume: datetime | None  # those below it are left; None: from the newest on
    floor: datetime | None  # None: down to the first


@dataclass(slots=True)
class Listed:
    """What was listed: all that was archived up to ``mark``, but for what is ``open``.

    As a cursor: ``mark``; ``open``, a JSON list of pairs of times; ``anew``, the reason for which everything was last
    listed. An earlier form had in place of ``open`` one span from ``resume`` down to ``mark``, and the mark of the
    listing under way in ``pending``.
    """

    mark: datetime | None
    open: list[Span]
    anew: str | None

    @classmethod
    def of(cls, cursor: ThreadCursor | None, now: datetime) -> "Listed":
        """Read a cursor."""
        known = dict(cursor or {})
        mark, spans = timestamp(known.get("mark")), _spans(known.get("open"))
        if pending := timestamp(known.get("pending")):
            mark, spans = pending, [Span(timestamp(known.get("resume")), mark)]
        return cls(None if mark is None else min(mark, now), spans, known.get("anew"))

    def begin_anew(self, anew: str | None) -> None:
        """Forget what was listed, unless that was for the same reason, or there is none."""
        if anew is not None and self.anew != anew:
            self.mark, self.open, self.anew = None, [], anew

    def cursor(self) -> ThreadCursor:
        """Return it in the form in which it is kept."""
        spans = [[_text(span.resume), _text(span.floor)] for span in self.open]
        parts = {"mark": _text(self.mark), "open": json.dumps(spans) if spans else None, "anew": self.anew}
        return {key: part for key, part in parts.items() if part is not None}

    def shrink(self, resume: datetime | None) -> None:
        """Note how far down the first open span is listed; None where it is done."""
        span = self.open.pop(0)
        if resume is not None:
            self.open.insert(0, Span(resume, span.floor))

    def raise_mark(self, newest: datetime | None, now: datetime) -> None:
        """Raise the mark towards the newest archive time of a listing; never into the future, where nothing is new."""
        if newest is None:
            return
        newest = min(newest, now)
        mark = newest if now - newest > _SETTLED else newest - MARGIN
        self.mark = mark if self.mark is None else max(mark, self.mark)


def _spans(text: str | None) -> list[Span]:
    return [Span(timestamp(resume), timestamp(floor)) for resume, floor in json.loads(text)] if text else []


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
