"""Cutting a channel into pages of a bounded size, and finding on which page each day begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from bot.html_export.plan import Bound, bound_of
from storage.reading import MessageOutline

_OVERFLOW = 2  # times as many may be on a page of an earlier plan, to which older messages may have come


@dataclass(slots=True, kw_only=True)
class DayOnPages:
    """A day (UTC) with messages: how many, and the number of the page on which it begins."""

    day: date
    page: int
    messages: int = 0


class Cuts:
    """Takes a channel's messages in their order; pages of an earlier plan stay, and what is too long is cut anew.

    A page that is written already (``is_kept``) is never cut: what came to it later is left out, as of any file that
    is kept.
    """

    def __init__(self, earlier: Sequence[Bound], is_kept: Callable[[Bound], bool], *, size: int) -> None:
        self.bounds: list[Bound] = []
        self.days: list[DayOnPages] = []
        self.messages = self.to_write = 0  # the latter without those of pages that are kept
        self._earlier, self._next = earlier, 0
        self._most = size * (_OVERFLOW if earlier else 1)
        self._is_kept_by = is_kept
        self._on_page, self._is_kept = 0, False

    def add(self, message: MessageOutline) -> None:
        """Take the next message."""
        bound = bound_of(message.sent_at, message.platform_id)
        while self._next < len(self._earlier) and bound >= self._earlier[self._next]:
            self._begin(self._earlier[self._next])
            self._next += 1
        if not self.bounds or (self._on_page >= self._most and not self._is_kept):
            self._begin(bound)
        self._on_page += 1
        self.messages += 1
        self.to_write += not self._is_kept
        self._note_day(message.sent_at.astimezone(UTC).date())

    def finish(self) -> None:
        """Take over what is left of the earlier plan: pages lead to it, though nothing may be on it any more."""
        for bound in self._earlier[self._next :]:
            self._begin(bound)

    def _begin(self, bound: Bound) -> None:
        self.bounds.append(bound)
        self._on_page, self._is_kept = 0, self._is_kept_by(bound)

    def _note_day(self, day: date) -> None:
        if not self.days or self.days[-1].day != day:
            self.days.append(DayOnPages(day=day, page=len(self.bounds) - 1))
        self.days[-1].messages += 1
