"""How much of a sync is left and when it will end, from the platform's figures and what was measured so far.

Where there is no ground for an estimate there is none: a number is never made up.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sync.channel_estimator import ChannelEstimator, Sums

_LONGEST_SECONDS = 10 * 365 * 86_400.0
"""What would take longer rests on a number that cannot be true, such as a platform's count of 2^63 messages."""


@dataclass(slots=True)
class SyncEstimator:
    """The way of one running job through all its channels.

    However many there are, an estimate looks at those alone that are being read: of the others it keeps the sums.
    """

    now: Callable[[], float] = lambda: time.monotonic()
    page_size: int = 1  # until ``begin`` knows the platform's
    backlog: int = 0  # requests for reactions that earlier jobs have left
    lists_done: int = 0  # requests for reactions made
    is_listing: bool = False  # while channels may turn up of which nothing is known, there is no estimate
    earlier_messages: int = 0  # what earlier attempts at the job have done
    earlier_lists: int = 0
    _waiting: Sums = field(default_factory=Sums)
    _reading: list[ChannelEstimator] = field(default_factory=list)
    _ended: Sums = field(default_factory=Sums)  # the channels of which this job reads no more
    _read_before: int = 0  # messages that were read before the reactions
    _repairs_began: tuple[float, int] | None = None
    _began: float | None = None
    _reactions_began: float | None = None

    def expect(self, channel: ChannelEstimator) -> None:
        """Count in a channel that is to be read."""
        self._waiting.add(channel)

    def begin(self, backlog: int, *, page_size: int) -> None:
        """Start the clock: the channels that were counted in are about to be read."""
        self.backlog, self.page_size = backlog, page_size
        self._began = self.now()

    def start(self, channel: ChannelEstimator) -> None:
        """Follow a channel, like the one that was counted in, from now on: it is being read."""
        self._waiting.add(channel, -1)
        self._reading.append(channel)

    def end(self, channel: ChannelEstimator) -> None:
        """Follow a channel no longer: this job reads no more of it, whatever is left."""
        self._reading = [other for other in self._reading if other is not channel]
        self._ended.add(channel)

    def begin_reactions(self, requests: int) -> None:
        """Go over to the reactions: all messages are read, and so many requests are to come."""
        self.backlog, self.lists_done = requests, 0
        self._read_before += self._all.read
        self._waiting, self._reading, self._ended = Sums(), [], Sums()
        self._reactions_began = self.now()

    @property
    def _all(self) -> Sums:
        return (self._waiting + self._ended).with_all(self._reading)

    def fraction(self, repairs_done: int = 0, repairs_pending: int = 0) -> float | None:
        """Return how much of the job's requests is done, a range of messages read again counting as one of them.

        None while there is no ground.
        """
        sums = self._all
        left = self._requests_left(sums)
        if left is None or self._began is None or self.is_listing:
            return None
        messages, lists = self.earlier_messages + self._read_before + sums.read, self.earlier_lists + self.lists_done
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
        if self._began is None or self.is_listing:
            return None
        if self._reactions_began is not None:
            return self._reactions_seconds_left()
        sums, elapsed = self._all, self.now() - self._began
        left, read = self._waiting.with_all(self._reading).messages_left(sums.density), sums.read
        if left is None or (left and not read):
            return None
        if not read:
            return (0.0, 0.0) if not self.backlog else None
        # The whole at its pace, but no sooner than the channel with the longest way.
        seconds = max([left * elapsed / read, *map(self._channel_seconds, self._reading)])
        lists = sums.user_lists * (1 + left / read) + self.backlog
        return seconds, seconds + lists * elapsed / (read / self.page_size)

    def _reactions_seconds_left(self) -> tuple[float, float] | None:
        assert self._reactions_began is not None  # noqa: S101 (for the type checker)
        if not self.lists_done:
            return None if self.backlog else (0.0, 0.0)
        rate = self.lists_done / max(self.now() - self._reactions_began, 1e-6)
        return 0.0, max(self.backlog - self.lists_done, 0) / rate

    def _requests_left(self, sums: Sums) -> float | None:
        if self._reactions_began is not None:
            return float(max(self.backlog - self.lists_done, 0))
        left = sums.messages_left(sums.density)
        if left is None:
            return None
        lists = sums.user_lists * (1 + left / sums.read) if sums.read else 0
        return left / self.page_size + lists + self.backlog

    def _channel_seconds(self, channel: ChannelEstimator) -> float:
        left = channel.left
        if not left or not channel.read or channel.begun is None:
            return 0.0
        return left * (self.now() - channel.begun) / channel.read
