"""What a repair is: a range of a channel whose messages are to be read again."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import RowMapping

from adapters.records import ChannelType
from storage.channels import HasParent
from storage.sql import fields_of


class RepairKind(StrEnum):
    """Why a range is read again."""

    REFETCH = "refetch"  # something of this one message changed, and too little of it was told
    GAP = "gap"  # what changed for a while was not told
    AUDIT = "audit"  # everything is held against the platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair(HasParent):
    """A range of a channel, or what is left of it: those behind ``after_platform_id`` up to ``until_platform_id``."""

    id: int
    channel_id: int  # channels.id
    channel_platform_id: str
    parent_platform_id: str | None
    type: ChannelType
    kind: RepairKind
    after_platform_id: str | None  # exclusive: everything up to it has been read again; None: nothing has
    until_platform_id: str  # inclusive

    @property
    def is_read(self) -> bool:
        """Whether nothing is left of it: an audit waits so for the platform's own count."""
        return self.after_platform_id == self.until_platform_id


def repair_of(row: RowMapping) -> Repair:
    """A row of ``refetch_ranges`` with its channel."""
    values = fields_of(row, Repair)
    return Repair(**values | {"type": ChannelType(values["type"]), "kind": RepairKind(values["kind"])})
