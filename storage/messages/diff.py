"""Whether a message is still as it is stored."""

from dataclasses import replace

import orjson

from adapters.records import AttachmentRecord, MessageRecord, Metadata
from storage.sql import as_plain


def is_changed(stored: MessageRecord, incoming: MessageRecord) -> bool:
    """Whether storing a message again would change its row or anything that hangs on it.

    A replied-to author whom the platform no longer names is no change.
    """
    return _values(stored, stored) != _values(incoming, stored)


def is_edited(stored: MessageRecord, incoming: MessageRecord) -> bool:
    """Whether it would change more than the addresses of its files, which platforms sign anew each day."""
    return _values(_without_signatures(stored), stored) != _values(_without_signatures(incoming), stored)


def _values(message: MessageRecord, stored: MessageRecord) -> tuple[object, ...]:
    """All that is stored of a message, in a form in which what is equal compares so."""
    return (
        message.author_hash,
        message.author_kind,
        message.content,
        message.type,
        message.sent_at,
        message.edited_at,
        message.reply_to_channel_platform_id,
        message.reply_to_message_platform_id,
        message.reply_to_author_hash or stored.reply_to_author_hash,
        _json(message.metadata),
        {file.platform_id: _file(file) for file in message.attachments},
        {(total.emoji_key, total.burst): total for total in message.reaction_totals},
    )


def _file(file: AttachmentRecord) -> tuple[object, ...]:
    return file.filename, file.size_bytes, file.content_type, file.url, file.url_expires_at, _json(file.metadata)


def _json(metadata: Metadata) -> bytes:
    """As text: in Python 1, 1.0 and True are equal."""
    return orjson.dumps(metadata, default=as_plain, option=orjson.OPT_SORT_KEYS)


def _without_signatures(message: MessageRecord) -> MessageRecord:
    files = (replace(file, url=file.url.partition("?")[0], url_expires_at=None) for file in message.attachments)
    return replace(message, attachments=tuple(files)) if message.attachments else message
