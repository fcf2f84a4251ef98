"""A range of a channel whose messages are to be read again."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import RowMapping

from adapters.records import ChannelType
from storage.channels import HasParent
from storage.sql import fields_of


class RefetchKind(StrEnum):
    """Why a range is read again, the most urgent reason first: in this order they are worked off, in all channels."""

    REFETCH = "refetch"  # something of this one message changed, and the event said too little or could not be stored
    GAP = "gap"  # changes were not received for a while: what was sent since a day before
    WINDOW = "window"  # the same: what is older, and changes seldom
    AUDIT = "audit"  # everything is compared with the platform


@dataclass(frozen=True, slots=True, kw_only=True)
class RefetchRange(HasParent):
    """A range of a channel, or what is left of it: those behind ``after_platform_id`` up to ``until_platform_id``."""

    id: int
    channel_id: int  # channels.id
    channel_platform_id: str
    parent_platform_id: str | None
    type: ChannelType
    kind: RefetchKind
    after_platform_id: str | None  # exclusive: everything up to it has been read again; None: nothing has
    until_platform_id: str  # inclusive
    visible_since: datetime | None = None  # from when on the platform showed messages of the channel; None: all

    @property
    def is_read(self) -> bool:
        """Whether nothing is left of it: an audit waits so for the platform's own count."""
        return self.after_platform_id == self.until_platform_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOutcome:
    """What a page said of the archive, in messages, and what is left of the range."""

    seen: int = 0  # that the platform has
    missing: int = 0  # that were not stored
    changed: int = 0  # that were stored otherwise
    deleted: int = 0  # that the platform has no longer, and that were not marked so
    left: RefetchRange | None = None
    set_aside: frozenset[str] = frozenset()  # messages that the database cannot hold


def range_of(row: RowMapping) -> RefetchRange:
    """Make a range of a row of ``refetch_ranges`` with its channel."""
    values = fields_of(row, RefetchRange)
    return RefetchRange(**values | {"type": ChannelType(values["type"]), "kind": RefetchKind(values["kind"])})
