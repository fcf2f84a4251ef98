"""Counting along with one kind of reactions to one emoji of one message.

A kind can be counted as long as all its users are stored. Of one whose users are not, an event says nothing that could
be counted, because it may be in the count already: then the count is unknown until the users are fetched.
"""

from dataclasses import dataclass

from sqlalchemy import RowMapping


@dataclass(slots=True)
class Tally:
    """A row of ``reaction_totals``, or what becomes one: without a row nobody has given the emoji."""

    emoji: str
    count: int = 0
    fetched_count: int | None = 0
    uncounted_events: int = 0
    is_stored: bool = False
    is_changed: bool = False

    @property
    def is_known(self) -> bool:
        """Whether all users are stored."""
        return self.fetched_count == self.count

    def add(self, step: int) -> None:
        """Count one more, or one less, where all users are stored."""
        self.count += step
        self.fetched_count = self.count
        self.is_changed = True

    def invalidate(self) -> None:
        """Note an event that cannot be counted."""
        self.count = max(self.count, 1)
        self.fetched_count = None
        self.uncounted_events += 1
        self.is_changed = True

    @property
    def is_gone(self) -> bool:
        """Whether the count is zero, so that the row has to be deleted."""
        return self.count == 0

    def as_values(self) -> dict[str, object]:
        """Return the values of its row."""
        return {
            "emoji": self.emoji,
            "count": self.count,
            "fetched_count": self.fetched_count,
            "uncounted_events": self.uncounted_events,
        }


def tally_of(row: RowMapping) -> Tally:
    """Build the tally of a stored total."""
    return Tally(
        emoji=row["emoji"],
        count=row["count"],
        fetched_count=row["fetched_count"],
        uncounted_events=row["uncounted_events"],
        is_stored=True,
    )
