"""What a reader is shown of the archive: messages with what hangs on them, and where they stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChannel:
    """A channel, thread or post; ``parent`` is the channel of a thread or post, else the category."""

    id: int
    tenant_id: str
    platform_id: str
    name: str | None
    type: str  # text, thread, forum, category or other
    parent_platform_id: str | None
    parent_name: str | None
    parent_type: str | None
    sync_state: str
    skip_reason: str | None
    skipped_since: datetime | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAttachment:
    """A file that hangs on a message; ``url`` may have expired."""

    platform_id: str
    filename: str
    size_bytes: int | None
    content_type: str | None
    url: str
    url_expires_at: datetime | None
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReaction:
    """How often an emoji was given; ``user_hashes`` only where they were requested."""

    emoji_key: str
    emoji: str  # the character, or <:name:id>, <a:name:id>
    burst: bool
    count: int
    user_hashes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """A message as it is archived; people are named by their pseudonyms only."""

    id: int  # messages.id
    channel_id: int  # channels.id
    platform_id: str
    author_hash: str | None
    author_kind: str
    content: str
    type: str
    sent_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    reply_to_channel_platform_id: str | None
    reply_to_message_platform_id: str | None
    reply_to_author_hash: str | None
    metadata: Mapping[str, Any]
    attachments: tuple[ShownAttachment, ...] = ()
    reactions: tuple[ShownReaction, ...] = ()
