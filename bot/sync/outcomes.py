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

    def expect(self, unread: Iterable[str]) -> None:
        """Count channels individually that wait to be read; those that are counted so already stay as they are."""
        for channel_id in unread:
            if channel_id not in self._by_id:
                self._by_id[channel_id] = ChannelOutcome.WAITING
                self._counts[ChannelOutcome.WAITING] += 1

    def recount(self, *, archived: int, skipped: int, archived_ids: Collection[str] | None = None) -> None:
        """Count the others anew: archived channels that are not counted individually count as done.

        Args:
            archived: the number of archived channels, those that are counted individually included.
            skipped: the number of skipped channels, likewise.
            archived_ids: ids of archived channels; one that has failed and is not among them is counted no more.
        """
        if archived_ids is not None:
            failed = (i for i, outcome in self._by_id.items() if outcome is ChannelOutcome.FAILED)
            for channel_id in [i for i in failed if i not in archived_ids]:
                del self._by_id[channel_id]
                self._counts[ChannelOutcome.FAILED] -= 1
        own_skipped = self._counts[ChannelOutcome.SKIPPED]
        own_archived = len(self._by_id) - own_skipped
        self._others = Counter({ChannelOutcome.DONE: max(archived - own_archived, 0)})
        self._others[ChannelOutcome.SKIPPED] = max(skipped - own_skipped, 0)
