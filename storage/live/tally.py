"""Counting along with the reactions to one emoji of one message.

A kind (normal, burst) can be counted as long as all its users are stored. Of one whose users are not, an event tells
nothing that could be counted: it may be in the total already. Then the whole total is stale until they are fetched.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

_SMALLEST_STEP = timedelta(microseconds=1)


@dataclass(slots=True)
class Tally:
    """A row of ``reaction_totals``, or what becomes one: without a row nobody has given the emoji."""

    emoji: str
    counts: list[int] = field(default_factory=lambda: [0, 0])  # normal ones, burst ones
    fetched: list[int | None] = field(default_factory=lambda: [0, 0])  # the counts at which their users were fetched
    is_stale: bool = False
    is_stored: bool = False
    updated_at: datetime | None = None
    is_changed: bool = False

    def knows(self, *, burst: bool) -> bool:
        """Whether all users of a kind are stored."""
        return not self.is_stale and self.fetched[burst] == self.counts[burst]

    def count(self, *, burst: bool, step: int) -> None:
        """One more, or one less, of a kind whose users are all stored."""
        self.counts[burst] += step
        self.fetched[burst] = self.counts[burst]
        self.is_changed = True

    def invalidate(self, *, burst: bool) -> None:
        """It has changed, and by how much is not known."""
        if not self.is_stored and not any(self.counts):
            self.counts[burst] = 1
        self.is_stale, self.fetched, self.is_changed = True, [None, None], True

    @property
    def is_gone(self) -> bool:
        """Whether nobody is left."""
        return not self.is_stale and not any(self.counts)

    def as_values(self, now: datetime) -> dict[str, object]:
        """The columns of its row.

        That of a stale total always changes its time, by which users who were asked for before are told apart.
        """
        at = max(now, self.updated_at + _SMALLEST_STEP) if self.is_stale and self.updated_at else now
        normal, burst = self.fetched
        return {
            "emoji": self.emoji,
            "count": sum(self.counts),
            "burst_count": self.counts[True],
            "fetched_count": None if normal is None else normal + (burst or 0),
            "fetched_burst_count": burst,
            "is_stale": self.is_stale,
            "updated_at": at,
        }


def tally_of(row: RowMapping) -> Tally:
    """The tally of a stored total; its markers are read as ``pending_reactions`` says."""
    count, burst, fetched, fetched_burst = (
        row[name] for name in ("count", "burst_count", "fetched_count", "fetched_burst_count")
    )
    return Tally(
        emoji=row["emoji"],
        counts=[count - burst, burst],
        fetched=[None if fetched is None else fetched - (fetched_burst or 0), fetched_burst],
        is_stale=row["is_stale"],
        is_stored=True,
        updated_at=row["updated_at"],
    )
