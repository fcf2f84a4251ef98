"""The outcomes of a job's channels: one by one for those that it has to process, all others as a count."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum


class ChannelOutcome(StrEnum):
    """The state of a channel in one job."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcomes:
    """The outcomes by platform id, with a count of each."""

    def __init__(self, known: Mapping[str, ChannelOutcome] | None = None) -> None:
        self._by_id: dict[str, ChannelOutcome] = {}
        self._counts: Counter[ChannelOutcome] = Counter()
        self._others: Counter[ChannelOutcome] = Counter()
        for channel_id, outcome in (known or {}).items():
            self[channel_id] = outcome

    def __setitem__(self, channel_id: str, outcome: ChannelOutcome) -> None:
        """Set the outcome of a channel; one of the others is counted individually from then on."""
        before = self._by_id.get(channel_id)
        if before is not None:
            self._counts[before] -= 1
        elif self._others[ChannelOutcome.DONE]:
            self._others[ChannelOutcome.DONE] -= 1
        self._by_id[channel_id] = outcome
        self._counts[outcome] += 1

    def get(self, channel_id: str) -> ChannelOutcome | None:
        """Return the outcome of a channel; None for one of the others."""
        return self._by_id.get(channel_id)

    def count(self, outcome: ChannelOutcome) -> int:
        """Return the number of channels with an outcome."""
        return self._counts[outcome] + self._others[outcome]

    def begin(
        self, unread: Iterable[str], *, archived: int, skipped: int, archived_ids: Collection[str] = frozenset()
    ) -> None:
        """Start counting: archived channels that are not unread count as done.

        Args:
            unread: the channels that wait to be read.
            archived: the number of archived channels, unread ones included.
            skipped: the number of skipped channels.
            archived_ids: known ids of archived channels; among these one that has failed stays failed.
        """
        failed = [i for i, outcome in self._by_id.items() if outcome is ChannelOutcome.FAILED and i in archived_ids]
        self._by_id = dict.fromkeys(unread, ChannelOutcome.WAITING) | dict.fromkeys(failed, ChannelOutcome.FAILED)
        # Of the failed ones there are few; of those that wait there can be a hundred thousand.
        self._counts = Counter({ChannelOutcome.FAILED: len(failed)})
        self._counts[ChannelOutcome.WAITING] = len(self._by_id) - len(failed)
        self._others = Counter({ChannelOutcome.DONE: max(archived - len(self._by_id), 0)})
        self._others[ChannelOutcome.SKIPPED] = skipped
