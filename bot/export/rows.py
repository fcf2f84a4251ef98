"""A message as one row that needs no second table: where it stands, what it answers, its files and reactions."""

from datetime import datetime
from typing import Any, TypeAlias

from storage.export import ExportedMessage
from storage.reading import Original, ShownAttachment, ShownMessage, ShownReaction

Row: TypeAlias = dict[str, Any]

PSEUDONYM_DIGITS = 8
"""Of a person's hash, so many digits are shown as a name."""


def row_of(exported: ExportedMessage) -> Row:
    """Return a message as a row; ids are the platform's but the tenant's, people are named by their pseudonyms.

    A thread or post stands in ``thread_id`` and ``thread``, and its channel in ``channel_id`` and ``channel``.
    """
    message, place = exported.message, exported.channel
    is_thread = place.type == "thread"
    return {
        "tenant_id": place.tenant_id,
        "channel_id": place.parent_platform_id if is_thread else place.platform_id,
        "channel": place.parent_name if is_thread else place.name,
        "category": None if is_thread else place.parent_name,
        "thread_id": place.platform_id if is_thread else None,
        "thread": place.name if is_thread else None,
        "message_id": message.platform_id,
        "type": message.type,
        "author": message.author_hash,
        "author_name": pseudonym(message.author_hash),
        "author_kind": message.author_kind,
        "sent_at": message.sent_at,
        "edited_at": message.edited_at,
        "deleted_at": message.deleted_at,
        "content": message.content,
        "reply_to": _reply(message, exported.original),
        "attachments": [_attachment(file) for file in message.attachments],
        "reactions": [_reaction(given) for given in message.reactions],
        "metadata": dict(message.metadata),
    }


def pseudonym(author_hash: str | None) -> str | None:
    """Return the first digits of a hash, by which a person is called; None of nobody."""
    return author_hash[:PSEUDONYM_DIGITS] if author_hash else None


def _reply(message: ShownMessage, original: Original | None) -> Row | None:
    if message.reply_to_message_platform_id is None:
        return None
    sent_at: datetime | None = original.sent_at if original else None
    return {
        "channel_id": message.reply_to_channel_platform_id,
        "message_id": message.reply_to_message_platform_id,
        "author": original.author_hash if original else message.reply_to_author_hash,
        "author_name": pseudonym(original.author_hash if original else message.reply_to_author_hash),
        "excerpt": original.excerpt if original and original.is_archived else None,
        "sent_at": sent_at,
        "is_archived": bool(original and original.is_archived),
    }


def _attachment(file: ShownAttachment) -> Row:
    return {
        "id": file.platform_id,
        "filename": file.filename,
        "size_bytes": file.size_bytes,
        "content_type": file.content_type,
        "url": file.url,
        "url_expires_at": file.url_expires_at,
    }


def _reaction(given: ShownReaction) -> Row:
    """Return a reaction; ``emoji_id`` is null of a standard emoji, whose character ``emoji`` is."""
    is_custom = given.emoji != given.emoji_key
    return {
        "emoji": given.emoji,
        "emoji_id": given.emoji_key if is_custom else None,
        "burst": bool(given.burst),
        "count": given.count,
        "users": list(given.user_hashes),
    }
