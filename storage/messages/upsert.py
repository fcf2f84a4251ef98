"""What the two databases' upserts of messages share: their input, and what becomes of a stored row that comes again."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func

from adapters.records import MessageRecord
from storage.messages.replies import with_known_deletion
from storage.sql import Insert, update_changed
from storage.tables import messages


@dataclass(frozen=True, slots=True)
class ChannelBatch:
    """Messages of one channel, each once."""

    tenant_id: str
    channel_id: int  # channels.id
    records: tuple[MessageRecord, ...]


_MESSAGE = ("channel_id", "message_platform_id")


def update_message(statement: Insert, columns: Iterable[str]) -> Insert:
    """Keep a known replied-to author and a known deletion of the original on updates: payloads may lack both."""
    given = statement.excluded
    revised = {
        "reply_to_author_hash": func.coalesce(given.reply_to_author_hash, messages.c.reply_to_author_hash),
        "metadata": with_known_deletion(given.metadata),
    }
    return update_changed(statement, ("channel_id", "platform_id"), columns, revised=revised)


def update_attachment(statement: Insert, columns: Iterable[str]) -> Insert:
    """Take the new values."""
    return update_changed(statement, (*_MESSAGE, "platform_id"), columns)


def update_total(statement: Insert, columns: Iterable[str]) -> Insert:
    """Take the new count; which users are stored is another matter."""
    return update_changed(statement, (*_MESSAGE, "emoji_key", "burst"), columns)
