"""How far a running job is, counted as it goes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from adapters.base import CallCounts
from adapters.records import JsonValue

_ERRORS_TOLD = 50


@dataclass(slots=True, kw_only=True)
class ChannelFailure:
    """A channel that gave up, and why."""

    channel_id: str
    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts of one job. ``fraction`` is of the channels: how many messages a channel holds, Discord does not tell."""

    channels_total: int = 0
    channels_done: int = 0
    channels_failed: int = 0
    channels_skipped: int = 0
    messages: int = 0
    requests: int = 0
    retries: int = 0
    failures: list[ChannelFailure] = field(default_factory=list)

    def note(self, counts: CallCounts) -> None:
        """Take over what the session has counted."""
        self.requests, self.retries = counts.requests, counts.retries

    def fail(self, failure: ChannelFailure) -> None:
        """Count a channel that gave up; the first of them are told by name."""
        self.channels_failed += 1
        if len(self.failures) < _ERRORS_TOLD:
            self.failures.append(failure)

    @property
    def totals(self) -> Mapping[str, int]:
        """The counts, as stored with the job."""
        counts = asdict(self)
        del counts["failures"]
        return counts

    @property
    def error(self) -> Mapping[str, JsonValue] | None:
        """What to tell of the channels that gave up; None where none did."""
        if not self.channels_failed:
            return None
        return {
            "code": "channels_failed",
            "message": f"{self.channels_failed} of {self.channels_total} channels could not be read to their end; "
            "what they had is kept, and the next sync goes on from there",
            "channels": [asdict(failure) for failure in self.failures],
        }
