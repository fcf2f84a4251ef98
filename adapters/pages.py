"""Pages of messages and archived threads, as one request returns them, users that are asked for, and who may read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adapters.ids import number
from adapters.records import ChannelRecord, MessageRecord

ThreadCursor: TypeAlias = Mapping[str, str]
"""How far a channel's archived threads have been listed; opaque except to the adapter that made it."""


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """A page of a channel's archived threads, and the cursor that is valid once it is stored."""

    threads: tuple[ChannelRecord, ...]  # those that may be new
    cursor: ThreadCursor
    listed: frozenset[str]  # the platform's ids of all on the page
    archived_after: datetime | None  # the page holds all threads archived after this time (None: no lower end) ...
    archived_before: datetime | None  # ... and before this one (None: no upper end)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """One answer to a request for a channel's messages.

    Where a platform does not keep the order of its ids, the page may lack messages near its end: ``reached`` then lies
    before the last ones, so that the next page repeats them together with the missing ones.
    """

    messages: tuple[MessageRecord, ...]  # ascending, without duplicates; empty only where none follow: see is_full
    reached: str | None  # the cursor of the next page, beyond this page's own ``after``; None where empty
    is_full: bool  # whether more may follow; what leaves some out of a page asks on until it has one, or the end
    threads: tuple[ChannelRecord, ...] = ()  # those that show themselves in these messages alone, in no listing
    visible_since: datetime | None = None  # what was sent before is hidden, and may be there; None: all is shown

    def holds(self, message_id: str | None) -> bool:
        """Return whether the page holds a message with this or a higher id."""
        return (
            bool(self.messages)
            and message_id is not None
            and number(self.messages[-1].platform_id) >= number(message_id)
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WantedUsers:
    """One emoji of a message, in one kind, whose users are asked for. It is equal to none but itself."""

    emoji: str  # as in its record
    burst: bool
    total: int  # so many users, where there are as many


@dataclass(frozen=True, slots=True)
class Access:
    """The channels that the bot may read, evaluated from requests that began after ``access`` was called."""

    readable: frozenset[str]  # channels whose history everyone and the bot may read; a thread is not among them

    def may_read(self, channel_id: str, parent_id: str | None) -> bool:
        """Return whether the bot may read the history of a channel, or of a thread by its channel ``parent_id``."""
        return (parent_id or channel_id) in self.readable
