"""Pages: what one request of a platform's messages or archived threads brings."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from adapters.records import ChannelRecord, MessageRecord

ThreadCursor: TypeAlias = Mapping[str, str]
"""How far a channel's archived threads have been listed. Only the adapter that made it can read it."""


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """A page of a channel's archived threads, and the cursor that is true once they are stored."""

    threads: tuple[ChannelRecord, ...]  # those that may be new
    cursor: ThreadCursor
    listed: frozenset[str]  # the platform's ids of all on the page
    archived_after: datetime | None  # the page shows all that were archived after this time (None: since ever) ...
    archived_before: datetime | None  # ... and before this one (None: until now)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePage:
    """One answer of a channel's messages.

    A platform that does not keep the order of its ids may send a message late: then ``reached`` lies before the last
    ones, so that the next page shows them again with what was missing among them.
    """

    messages: tuple[MessageRecord, ...]  # ascending, each once; empty only where the platform sent none
    reached: str | None  # what the next page is to begin after: beyond this page's own ``after``; None where empty
    is_full: bool  # whether there may be more for no other reason than that no more are sent at once

    def holds(self, message_id: str | None) -> bool:
        """Return whether a message, or one beyond it, is in it."""
        return bool(self.messages) and message_id is not None and int(self.messages[-1].platform_id) >= int(message_id)
