"""An event that could not be written, why, and how its message was settled."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from adapters.ids import number
from storage.errors import StorageError, ValueRefused
from storage.messages import MessageRef


class EventKind(StrEnum):
    """What an event said of a message."""

    CREATED = "created"
    EDITED = "edited"
    DELETED = "deleted"
    REACTIONS = "reactions"  # given, taken back or cleared
    INVALIDATED = "invalidated"  # it changed, and the event did not say how
    UNKNOWN = "unknown"  # only the message's id was kept


class Resolution(StrEnum):
    """How a message was settled."""

    STORED = "stored"  # read again and stored; who reacted is fetched after that
    GONE = "gone"  # the platform has it no longer
    EXCLUDED = "excluded"  # its channel is not archived any more, or its tenant was stopped


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something could not be written: a code, and a sentence that quotes no value, no id and no name."""

    code: str
    sentence: str


OVERFLOWED = Reason("overflow", "Events came in faster than they could be kept; what they said is not known.")
WITHHELD = Reason("content_withheld", "When the message was read again, the platform showed it without its content.")
_REFUSED = {
    ValueRefused.__name__: Reason(ValueRefused.code, "The database cannot hold a value of it."),
    StorageError.__name__: Reason(StorageError.code, "The database refused a statement; please report it."),
}


def reason_of(error: str) -> Reason:
    """Return the reason that an error is, by the name of its class."""
    fault = Reason("internal_error", f"The program failed at it ({error}); please report it, with the log around it.")
    return _REFUSED.get(error, fault)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwrittenEvent:
    """An event, or several of one kind about one message, that could not be written."""

    tenant_id: str
    channel_platform_id: str
    message_platform_id: str
    kind: EventKind
    reason: Reason

    @property
    def ref(self) -> MessageRef:
        """The message."""
        return self.tenant_id, self.channel_platform_id, self.message_platform_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEntry:
    """An entry whose message is not settled, as it was when it was looked up."""

    id: int
    message_platform_id: str
    kind: EventKind
    tries: int  # grows with each failure, and so tells whether anything has failed since


def entries_within(entries: Sequence[OpenEntry], after: int, until: int) -> Sequence[OpenEntry]:
    """Return the entries behind ``after`` up to ``until``; all are in the order of their messages."""
    return entries[bisect_right(entries, after, key=_number) : bisect_right(entries, until, key=_number)]


def _number(entry: OpenEntry) -> int:
    return number(entry.message_platform_id)
