"""What is to be exported, and a message with all that makes it readable by itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.reading import Original, ShownChannel, ShownMessage


class Written(Protocol):
    """Who wrote a message, and whether it was deleted."""

    @property
    def author_hash(self) -> str | None:
        """The pseudonym."""

    @property
    def deleted_at(self) -> datetime | None:
        """Since when it is known to be deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSelection:
    """Which messages of a tenant; without anything else than the tenant all but the deleted ones."""

    tenant_id: str
    channels: tuple[str, ...] = ()  # the platform's ids of channels with their threads, categories, or threads
    since: datetime | None = None  # sent then or later
    until: datetime | None = None  # sent before
    author: str | None = None  # the pseudonym, or its first digits
    include_deleted: bool = False

    def takes(self, message: Written) -> bool:
        """Return whether a message of the chosen channels and times is among them."""
        if message.deleted_at is not None and not self.include_deleted:
            return False
        return self.author is None or (message.author_hash or "").startswith(self.author)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedMessage:
    """A message, the channel or thread it stands in, and what it replies to.

    Its reactions hold the pseudonyms of who gave them.
    """

    message: ShownMessage
    channel: ShownChannel
    original: Original | None
