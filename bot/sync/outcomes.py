"""How a job's channels stand: one by one those that it has something to do for, all the others as a number."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum


class ChannelOutcome(StrEnum):
    """How a channel stands in one job."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcomes:
    """The outcomes by the platform's ids, counted as they change."""

    def __init__(self, known: Mapping[str, ChannelOutcome] | None = None) -> None:
        self._by_id: dict[str, ChannelOutcome] = {}
        self._counts: Counter[ChannelOutcome] = Counter()
        self._others: Counter[ChannelOutcome] = Counter()
        for channel_id, outcome in (known or {}).items():
            self[channel_id] = outcome

    def __setitem__(self, channel_id: str, outcome: ChannelOutcome) -> None:
        """Record how a channel stands now; one of the others that were read before is one of these then."""
        before = self._by_id.get(channel_id)
        if before is not None:
            self._counts[before] -= 1
        elif self._others[ChannelOutcome.DONE]:
            self._others[ChannelOutcome.DONE] -= 1
        self._by_id[channel_id] = outcome
        self._counts[outcome] += 1

    def get(self, channel_id: str) -> ChannelOutcome | None:
        """Return how a channel stands; None for one of the others."""
        return self._by_id.get(channel_id)

    def count(self, outcome: ChannelOutcome) -> int:
        """Return how many channels stand so."""
        return self._counts[outcome] + self._others[outcome]

    def begin(
        self, unread: Iterable[str], *, archived: int, skipped: int, archived_ids: Collection[str] = frozenset()
    ) -> None:
        """Begin to read: all that are archived and not among the unread ones have been read before.

        Args:
            unread: the channels that wait.
            archived: how many channels are archived, those that wait among them.
            skipped: how many are not.
            archived_ids: those that are, as far as they are known: one that has failed already stays so.
        """
        failed = [i for i, outcome in self._by_id.items() if outcome is ChannelOutcome.FAILED and i in archived_ids]
        self._by_id = dict.fromkeys(unread, ChannelOutcome.WAITING) | dict.fromkeys(failed, ChannelOutcome.FAILED)
        # Of the failed ones there are few; of those that wait there can be a hundred thousand.
        self._counts = Counter({ChannelOutcome.FAILED: len(failed)})
        self._counts[ChannelOutcome.WAITING] = len(self._by_id) - len(failed)
        self._others = Counter({ChannelOutcome.DONE: max(archived - len(self._by_id), 0)})
        self._others[ChannelOutcome.SKIPPED] = skipped
