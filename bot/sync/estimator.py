"""How much of a sync is left and when it will end, from the platform's figures and what was measured so far.

Where there is no ground for an estimate there is none: a number is never made up.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil

from adapters.records import MessageRecord

_LONGEST_SECONDS = 10 * 365 * 86_400.0
"""What would take longer rests on a number that cannot be true, such as a platform's count of 2^63 messages."""

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
    has_ended: bool = False  # if it is not done, this job reads no more of it

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
            return 0.0
        if self.counted is not None and self.counted > self.read:
            return float(self.counted - self.read)
        if self.read < self.page_size or not (self.first_at and self.last_at and self.head_at):
            return None
        seconds = (self.last_at - self.first_at).total_seconds()
        return self.read / seconds * self._seconds_left if seconds > 0 else None

    @property
    def span_seconds(self) -> float | None:
        """How long a time its messages are spread over."""
        if self.since is None or self.head_at is None:
            return None
        return max((self.head_at - self.since).total_seconds(), 0.0)

    @property
    def _seconds_left(self) -> float:
        assert self.head_at is not None  # noqa: S101 (for the type checker)
        assert self.last_at is not None  # noqa: S101
        return max((self.head_at - self.last_at).total_seconds(), 0.0)


@dataclass(slots=True)
class SyncEstimator:
    """The way of one running job through all its channels."""

    now: Callable[[], float] = time.monotonic
    page_size: int = 1  # until ``begin`` knows the platform's
    channels: list[ChannelEstimator] = field(default_factory=list)
    backlog: int = 0  # requests for reactions that earlier jobs have left
    lists_done: int = 0  # requests for reactions made
    earlier_messages: int = 0  # what earlier attempts at the job have done
    earlier_lists: int = 0
    _read_before: int = 0  # messages that were read before the reactions
    _repairs_began: tuple[float, int] | None = None
    _began: float | None = None
    _reactions_began: float | None = None

    def begin(self, channels: Iterable[ChannelEstimator], backlog: int, *, page_size: int) -> None:
        """Start the clock: these channels are about to be read."""
        self.channels = list(channels)
        self.backlog, self.page_size = backlog, page_size
        self._began = self.now()

    def begin_reactions(self, requests: int) -> None:
        """Go over to the reactions: all messages are read, and so many requests are to come."""
        self.backlog, self.lists_done = requests, 0
        self._read_before = self._read
        self.channels = []
        self._reactions_began = self.now()

    @property
    def _read(self) -> int:
        return self._read_before + sum(channel.read for channel in self.channels)

    def fraction(self, repairs_done: int = 0, repairs_pending: int = 0) -> float | None:
        """Return how much of the job's requests is done, a range of messages read again counting as one of them.

        None while there is no ground.
        """
        left = self._requests_left()
        if left is None or self._began is None:
            return None
        messages, lists = self.earlier_messages + self._read, self.earlier_lists + self.lists_done
        done, left = messages / self.page_size + lists + repairs_done, left + repairs_pending
        return round(done / (done + left), 4) if done + left else 1.0

    def job_seconds_left(self, repairs_done: int, repairs_pending: int) -> float | None:
        """Estimate the time until nothing is left of the job, at the pace it has; None while there is no ground."""
        seconds, repairs = self.seconds_left(), self._repair_seconds(repairs_done, repairs_pending)
        if seconds is None or repairs is None:
            return None
        return total if (total := seconds[1] + repairs) < _LONGEST_SECONDS else None

    def _repair_seconds(self, done: int, pending: int) -> float | None:
        if not pending:
            return 0.0
        if self._repairs_began is None:
            self._repairs_began = self.now(), done
        began, before = self._repairs_began
        return (self.now() - began) / (done - before) * pending if done > before else None

    def seconds_left(self) -> tuple[float, float] | None:
        """Estimate the time until the last message is read, and until the job's end; None while there is no ground."""
        if self._began is None:
            return None
        if self._reactions_began is not None:
            return self._reactions_seconds_left()
        left = self._left_of([channel for channel in self.channels if not channel.has_ended])
        elapsed, read = self.now() - self._began, self._read
        if left is None or (left and not read):
            return None
        if not read:
            return (0.0, 0.0) if not self.backlog else None
        # The whole at its pace, but no sooner than the channel with the longest way.
        seconds = max(left * elapsed / read, *(self._channel_seconds(channel) for channel in self.channels))
        lists = sum(channel.user_lists for channel in self.channels) * (1 + left / read) + self.backlog
        return seconds, seconds + lists * elapsed / (read / self.page_size)

    def _reactions_seconds_left(self) -> tuple[float, float] | None:
        assert self._reactions_began is not None  # noqa: S101 (for the type checker)
        if not self.lists_done:
            return None if self.backlog else (0.0, 0.0)
        rate = self.lists_done / max(self.now() - self._reactions_began, 1e-6)
        return 0.0, max(self.backlog - self.lists_done, 0) / rate

    def _requests_left(self) -> float | None:
        if self._reactions_began is not None:
            return float(max(self.backlog - self.lists_done, 0))
        left, read = self._messages_left(), self._read
        if left is None:
            return None
        lists = sum(channel.user_lists for channel in self.channels)
        return left / self.page_size + (lists * (1 + left / read) if read else 0) + self.backlog

    def _messages_left(self) -> float | None:
        return self._left_of(self.channels)

    def _left_of(self, channels: list[ChannelEstimator]) -> float | None:
        known = [left for channel in channels if (left := channel.left) is not None]
        unknown = [channel for channel in channels if channel.left is None]
        if not unknown:
            return sum(known)
        density = self._density()
        spans = [channel.span_seconds for channel in unknown]
        if density is None or any(span is None for span in spans):
            return None
        return sum(known) + density * sum(span for span in spans if span is not None)

    def _density(self) -> float | None:
        """Return how many messages a second the channels hold that were begun."""
        begun = [
            (channel.read + left, span)
            for channel in self.channels
            if channel.read and (left := channel.left) is not None and (span := channel.span_seconds)
        ]
        if len(begun) < min(_GROUND, len(self.channels)) or not begun:
            return None
        return sum(messages for messages, _ in begun) / sum(span for _, span in begun)

    def _channel_seconds(self, channel: ChannelEstimator) -> float:
        left = channel.left
        if not left or not channel.read or channel.begun is None or channel.has_ended:
            return 0.0
        return left * (self.now() - channel.begun) / channel.read
