"""What is known of the channels of one tenant within one stream of its events."""

import math
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime

from storage.messages import Newest

_MARGIN_SECONDS = 30.0  # a page that is requested so soon after an event may not show its message yet


@dataclass(slots=True, kw_only=True)
class FollowedTenant:
    """The channels of one tenant within one stream of its events."""

    stream_id: Hashable
    known_since: datetime  # when this was first noted
    created_at: datetime | None = None  # when the tenant was, as it is stored
    valid_since: float = field(default_factory=lambda: time.monotonic())  # a listing that began before it says nothing
    is_listed: bool = False  # whether the channels were listed in this stream; until then none is followed
    is_contradicted: bool = False  # whether a listing showed messages of which no event came
    unread: set[str] = field(default_factory=set)  # channels that are to be read to their end first
    early: dict[str, Newest] = field(default_factory=dict)  # by channel, what was stored last beyond its checkpoint
    read: dict[str, float] = field(default_factory=dict)  # when channels were read to their end since following began
    missed: dict[str, float] = field(default_factory=dict)  # when, by the monotonic clock, a new message was not taken
    settled: int | None = None  # how many of its events were unsettled at the last whole listing
    verified: float = -math.inf  # when that listing began, by the monotonic clock
    verified_at: datetime | None = None  # the same as a time
    proven_at: datetime | None = None  # when the last listing began whose heads agreed
    compared: float = field(default_factory=lambda: time.monotonic())  # when a sample last agreed, or this began
    compared_at: datetime | None = None  # the same as a time
    received: set[type] = field(default_factory=set)  # kinds of event about messages since then, or a contradiction

    @property
    def ahead(self) -> set[str]:
        """Channels of which messages came, and that were not read since: something may be missing before those."""
        return self.early.keys() - self.read.keys()

    def has_missed(self, channel_id: str, since: float) -> bool:
        """Return whether a new message of a channel was not taken since a time, or just before."""
        return self.missed.get(channel_id, float("-inf")) > since - _MARGIN_SECONDS
