"""How much of one channel is left, and what many of them come to together."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil

from adapters.base import PlatformSession
from adapters.records import MessageRecord
from storage.channels import ChannelState

_GROUND = 5  # channels that must have been begun before they say something about those that have not


@dataclass(slots=True, kw_only=True)
class ChannelEstimator:
    """One channel's way from its checkpoint to its head.

    ``counted`` is how many messages there are to read by the platform's own count, where it has one; otherwise, and
    where that is passed, the density of those read is taken to go on.
    """

    page_size: int  # how many messages, or users, one request brings
    since: datetime | None  # when its checkpoint, or the channel itself, was made
    head_at: datetime | None  # when its newest message was sent
    counted: int | None
    read: int = 0
    user_lists: int = 0  # requests for the users behind the reactions seen so far
    first_at: datetime | None = None
    last_at: datetime | None = None
    begun: float | None = None
    is_done: bool = False

    def add(self, page: Iterable[MessageRecord], now: float) -> None:
        """Count a page that was read."""
        self.begun = now if self.begun is None else self.begun
        for message in page:
            self.first_at = self.first_at or message.sent_at
            self.last_at = message.sent_at
            self.read += 1
            for total in message.reaction_totals:
                self.user_lists += ceil(total.count / self.page_size)

    @property
    def left(self) -> float | None:
        """How many messages are left; None while there is no ground for a number."""
        if self.is_done:
            return 0
        if self.counted is not None and self.counted > self.read:
            return self.counted - self.read
        if self.read < self.page_size or not (self.first_at and self.last_at and self.head_at):
            return None
        seconds = (self.last_at - self.first_at).total_seconds()
        return self.read / seconds * self._seconds_left if seconds > 0 else None

    @property
    def span_seconds(self) -> int | None:
        """How long a time its messages are spread over."""
        if self.since is None or self.head_at is None:
            return None
        return max(ceil((self.head_at - self.since).total_seconds()), 0)

    @property
    def _seconds_left(self) -> float:
        assert self.head_at is not None  # noqa: S101 (for the type checker)
        assert self.last_at is not None  # noqa: S101
        return max((self.head_at - self.last_at).total_seconds(), 0.0)


@dataclass(slots=True)
class Sums:
    """What channels come to together. Of those that wait these are whole numbers, so that one can be taken out."""

    channels: int = 0
    read: int = 0
    user_lists: int = 0
    left: float = 0  # messages, of the channels of which that is known
    unknown: int = 0  # the other channels
    unknown_seconds: int = 0  # the time that their messages are spread over
    spanless: int = 0  # how many of them do not say that either
    begun: int = 0  # the channels that tell how densely messages lie, ...
    begun_messages: float = 0
    begun_seconds: int = 0

    def add(self, channel: ChannelEstimator, times: int = 1) -> None:
        """Count a channel in; out again with -1."""
        left, span = channel.left, channel.span_seconds
        self.channels += times
        self.read += times * channel.read
        self.user_lists += times * channel.user_lists
        if left is None:
            self.unknown += times
            self.unknown_seconds += times * (span or 0)
            self.spanless += times * (span is None)
            return
        self.left += times * left
        if channel.read and span:
            self.begun += times
            self.begun_messages += times * (channel.read + left)
            self.begun_seconds += times * span

    def with_all(self, channels: Iterable[ChannelEstimator]) -> "Sums":
        """Return what these and further channels come to."""
        sums = replace(self)
        for channel in channels:
            sums.add(channel)
        return sums

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) + getattr(other, name) for name in Sums.__dataclass_fields__))

    @property
    def density(self) -> float | None:
        """How many messages a second the channels hold that were begun; None while those are too few."""
        if not self.begun or self.begun < min(_GROUND, self.channels):
            return None
        return self.begun_messages / self.begun_seconds

    def messages_left(self, density: float | None) -> float | None:
        """Estimate how many messages are left; None while there is no ground."""
        if not self.unknown:
            return self.left
        if density is None or self.spanless:
            return None
        return self.left + density * self.unknown_seconds


def estimator_of(session: PlatformSession, state: ChannelState) -> ChannelEstimator:
    """Return an estimator of what is to be read of a channel."""
    counted = state.message_count
    return ChannelEstimator(
        page_size=session.page_size,
        since=state.checkpoint_at or session.sent_at(state.platform_id),
        head_at=session.sent_at(state.head_id) if state.head_id else None,
        counted=None if counted is None else max(counted - state.messages_archived, 0),
    )
