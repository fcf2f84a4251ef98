"""The progress of a running job, summed over all its attempts."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from adapters.base import RequestCounts
from adapters.records import JsonValue
from bot.sync.estimator import SyncEstimator
from bot.sync.outcomes import ChannelOutcome, Outcomes
from storage.repair import RefetchKind

_NAMED_FAILURES = 50
_NEARLY = 0.9999  # the most that a fraction below 1 is rounded up to


@dataclass(slots=True, kw_only=True)
class ChannelFailure:
    """A channel that gave up, why, and what the operator can do."""

    channel_id: str
    code: str
    message: str
    remedy: str


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
    interruptions: int = 0  # by the database

    def added_to(self, earlier: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Add the counts of earlier attempts at the job; pending counts are taken as they are now."""
        own = asdict_of(self)
        return {name: n if name.endswith("_pending") else n + count_in(earlier, name) for name, n in own.items()}


def asdict_of(counts: Counts) -> dict[str, int]:
    """Return the counts by name, without a subclass's fields."""
    return {name: getattr(counts, name) for name in Counts.__dataclass_fields__}


def count_in(totals: Mapping[str, JsonValue], name: str) -> int:
    """Return a count from stored totals; 0 where it is missing."""
    value = totals.get(name)
    return value if isinstance(value, int) else 0


@dataclass(slots=True, kw_only=True)
class Progress(Counts):
    """Counts of one attempt at a job, and the estimate of its end; ``earlier`` holds the totals of attempts before."""

    channels: Outcomes = field(default_factory=Outcomes)
    failures: list[ChannelFailure] = field(default_factory=list)
    estimator: SyncEstimator = field(default_factory=SyncEstimator)
    followed: int = 0  # channels and threads that are followed live
    proven_until: datetime | None = None  # until when nothing of theirs was missed
    is_cut_short: bool = False  # what could wait made room for new messages
    repairs_left: Counter[RefetchKind] = field(default_factory=Counter)  # by kind: the parts of ``repairs_pending``
    repairing: RefetchKind | None = None  # what is being read again at the moment
    earlier: Mapping[str, JsonValue] = field(default_factory=dict)
    began: float = field(default_factory=lambda: time.monotonic())

    def __post_init__(self) -> None:
        self.estimator.earlier_messages = count_in(self.earlier, "messages")
        self.estimator.earlier_lists = count_in(self.earlier, "reactions_done")

    def note(self, counts: RequestCounts) -> None:
        """Take over a session's counts of requests."""
        self.requests, self.retries = counts.requests, counts.retries

    def fail(self, failure: ChannelFailure) -> None:
        """Count a channel that gave up, once; the first of them are named."""
        if self.channels.get(failure.channel_id) is not ChannelOutcome.FAILED and len(self.failures) < _NAMED_FAILURES:
            self.failures.append(failure)
        self.channels[failure.channel_id] = ChannelOutcome.FAILED

    def expect_repairs(self, left: Counter[RefetchKind]) -> None:
        """Take over how many ranges are to be read again."""
        self.repairs_left, self.repairs_pending = left, left.total()

    def count_repair(self, kind: RefetchKind) -> None:
        """Count a range that was read again."""
        self.repairs_left[kind] -= 1
        self.repairs_pending -= 1
        self.repairs_done += 1

    @property
    def channel_counts(self) -> dict[str, int]:
        """How many channels there are of each outcome; those that are skipped are not in the total."""
        found = {outcome: self.channels.count(outcome) for outcome in ChannelOutcome}
        return {
            "channels_total": sum(found.values()) - found[ChannelOutcome.SKIPPED],
            "channels_done": found[ChannelOutcome.DONE],
            "channels_failed": found[ChannelOutcome.FAILED],
            "channels_skipped": found[ChannelOutcome.SKIPPED],
        }

    @property
    def totals(self) -> dict[str, JsonValue]:
        """All counts, as stored with the job."""
        before = self.earlier.get("duration_seconds")
        seconds = time.monotonic() - self.began + (before if isinstance(before, int | float) else 0.0)
        return {
            **self.channel_counts,
            **self.added_to(self.earlier),
            "channels_followed": self.followed,
            "proven_until": self.proven_until.isoformat() if self.proven_until else None,
            "repairs_left": {kind.value: left for kind, left in self.repairs_left.items() if left},
            "duration_seconds": round(seconds, 3),
        }

    @property
    def fraction(self) -> float | None:
        """The share of the job that is done, from 0 to below 1; None while it cannot be estimated."""
        fraction = self.estimator.fraction(self.repairs_done, self.repairs_pending)
        return None if fraction is None else min(fraction, _NEARLY)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the expected end of the job; None while it cannot be estimated."""
        return self.estimator.job_seconds_left(self.repairs_done, self.repairs_pending)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the job is left to do."""
        counts = self.channel_counts
        is_read = counts["channels_done"] == counts["channels_total"]
        return is_read and not self.reactions_pending and not self.repairs_pending

    def snapshot(self, now: datetime) -> dict[str, JsonValue]:
        """Return the counts, the fraction and the estimate, as stored while the job runs."""
        seconds = self.seconds_left
        at = None if seconds is None else now + timedelta(seconds=seconds)
        return {
            **self.totals,
            "repairing": self.repairing and self.repairing.value,
            "fraction": self.fraction,
            "estimated_completion_at": at.isoformat() if at else None,
        }

    def at_end(self, *, has_succeeded: bool) -> dict[str, JsonValue]:
        """Return the counts and the fraction, as stored when the job ends; 1 only where nothing is left."""
        return {**self.totals, "fraction": 1.0 if has_succeeded and self.is_whole else self.fraction}

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
