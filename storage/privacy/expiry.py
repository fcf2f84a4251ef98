"""What is left of a message whose content has had its time: where, when and by whom it was written, and of what kind.

What goes is what a platform guards as content, and whatever else carries words: text, files, embeds, forwards, polls,
stickers, components, names of commands. What stays is a list, so that anything new goes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters.records import MessageRecord, Metadata
from storage.privacy.redaction import FORGOTTEN

EXPIRED = "content_removed"
"""The mark in the metadata of a message whose content was removed because it had had its time."""

_KEPT = (
    *("flags", "pinned", "tts", "mention_everyone", "mentions", "mention_roles", "mention_channels"),
    *("reply_deleted", "reference", "thread_id", "application_hash", FORGOTTEN),
)
_KEPT_OF_COMMAND = ("type", "user_hash", "target_user_hash", "target_message_id")


def is_expired(metadata: Metadata) -> bool:
    """Return whether the metadata are those of a message whose content was removed."""
    return EXPIRED in metadata


def without_expired_content(records: Iterable[MessageRecord], before: datetime | None) -> tuple[MessageRecord, ...]:
    """Remove what messages that were sent before a time say and show; None: of none."""
    if before is None:
        return tuple(records)
    return tuple(without_content(record) if record.sent_at < before else record for record in records)


def without_content(record: MessageRecord) -> MessageRecord:
    """Remove what a message says and shows; which ones it repeats is kept, since that is ids alone."""
    return replace(record, content="", metadata=without_words(record.metadata), attachments=())


def without_words(metadata: Metadata) -> Metadata:
    """Keep of a message's metadata what carries no words, and mark them.

    Those of a message that was emptied by an erasure stay as they are. Of a forward that it is one stays, and whether
    it was emptied: copies of it are found by that.
    """
    if FORGOTTEN in metadata or EXPIRED in metadata:
        return metadata
    kept: dict[str, Any] = {name: metadata[name] for name in _KEPT if name in metadata}
    command = metadata.get("interaction")
    if isinstance(command, Mapping) and (rest := {name: command[name] for name in _KEPT_OF_COMMAND if name in command}):
        kept["interaction"] = rest
    if isinstance(forward := metadata.get("forward"), Mapping):
        kept["forward"] = {FORGOTTEN if FORGOTTEN in forward else EXPIRED: True}
    return kept | {EXPIRED: True}
