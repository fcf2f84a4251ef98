"""How far a running job is, counted as it goes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from adapters.base import RequestCounts
from adapters.records import JsonValue
from bot.sync.estimator import SyncEstimator

_NAMED_FAILURES = 50


@dataclass(slots=True, kw_only=True)
class ChannelFailure:
    """A channel that gave up, why, and what the operator can do."""

    channel_id: str
    code: str
    message: str
    remedy: str


class ChannelOutcome(StrEnum):
    """How a channel stands in one job."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(slots=True, kw_only=True)
class Counts:
    """The counts that are stored with a job.

    Reactions are done and pending by lists: the users of one emoji and kind. Repairs are ranges of messages that are
    read again; ``changed`` and ``deleted`` are messages of them.
    """

    messages: int = 0
    reactions: int = 0
    reactions_done: int = 0
    reactions_pending: int = 0
    repairs_done: int = 0
    repairs_pending: int = 0
    changed: int = 0
    deleted: int = 0
    requests: int = 0
    retries: int = 0


@dataclass(slots=True, kw_only=True)
class Progress(Counts):
    """Counts of one job, and the estimate of its end."""

    channels: dict[str, ChannelOutcome] = field(default_factory=dict)  # by the platform's ids
    failures: list[ChannelFailure] = field(default_factory=list)
    estimator: SyncEstimator = field(default_factory=SyncEstimator)
    is_cut_short: bool = False  # what could wait made room for new messages

    def note(self, counts: RequestCounts) -> None:
        """Take over a session's counts of requests."""
        self.requests, self.retries = counts.requests, counts.retries

    def fail(self, failure: ChannelFailure) -> None:
        """Count a channel that gave up, once; the first of them are named."""
        if self.channels.get(failure.channel_id) is not ChannelOutcome.FAILED and len(self.failures) < _NAMED_FAILURES:
            self.failures.append(failure)
        self.channels[failure.channel_id] = ChannelOutcome.FAILED

    @property
    def channel_counts(self) -> dict[str, int]:
        """How many channels there are of each outcome; those that are skipped are not in the total."""
        found = Counter(self.channels.values())
        return {
            "channels_total": len(self.channels) - found[ChannelOutcome.SKIPPED],
            "channels_done": found[ChannelOutcome.DONE],
            "channels_failed": found[ChannelOutcome.FAILED],
            "channels_skipped": found[ChannelOutcome.SKIPPED],
        }

    @property
    def totals(self) -> dict[str, JsonValue]:
        """All counts, as stored with the job."""
        return {**self.channel_counts, **{name: getattr(self, name) for name in Counts.__dataclass_fields__}}

    def snapshot(self, now: datetime, due: datetime | None) -> dict[str, JsonValue]:
        """Return the counts with the estimate, as stored while the job runs.

        ``due`` is when the tenant's next sync is: reactions then make room for it.
        """
        at = self._ends_at(now, due)
        return {
            **self.totals,
            "fraction": self.estimator.fraction,
            "estimated_completion_at": at.isoformat() if at else None,
        }

    def _ends_at(self, now: datetime, due: datetime | None) -> datetime | None:
        seconds = self.estimator.seconds_left()
        if seconds is None:
            return None
        read_at, ends_at = (now + timedelta(seconds=s) for s in seconds)
        return max(read_at, min(ends_at, due)) if due else ends_at

    @property
    def error(self) -> Mapping[str, JsonValue] | None:
        """The job's error where channels gave up; None where none did."""
        counts = self.channel_counts
        if not counts["channels_failed"]:
            return None
        return {
            "code": "channels_failed",
            "message": f"{counts['channels_failed']} of {counts['channels_total']} channels could not be read to their "
            "end; what they had is kept, and the next sync goes on from there",
            "remedy": "nothing need be done unless it comes again; each channel's error says more",
            "channels": [asdict(failure) for failure in self.failures],
        }
