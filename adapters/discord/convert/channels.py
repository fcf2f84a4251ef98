"""Turn channel and thread payloads into records (docs/discord-mapping.md, section 2)."""

from datetime import datetime
from typing import Any

from adapters.discord.convert.payload import (
    Payload,
    as_int,
    as_object,
    as_objects,
    as_time_text,
    snowflake,
    snowflake_time,
    snowflakes,
    timestamp,
    without_empty,
)
from adapters.discord.convert.scrub import Scrubber
from adapters.privacy import HashUser
from adapters.records import LARGEST_COUNT, ChannelRecord, ChannelType, SkipReason

OBFUSCATED = 1 << 17
OBFUSCATED_NAME = "___hidden___"

# https://discord.com/developers/docs/resources/channel#channel-object-channel-types
_TYPES = {
    0: ChannelType.TEXT,
    2: ChannelType.TEXT,
    4: ChannelType.CATEGORY,
    5: ChannelType.TEXT,
    10: ChannelType.THREAD,
    11: ChannelType.THREAD,
    12: ChannelType.THREAD,
    13: ChannelType.TEXT,
    15: ChannelType.FORUM,
    16: ChannelType.FORUM,
}
_PRIVATE_THREAD = 12
_THREAD_PARENTS = (0, 5, 15, 16)


def is_obfuscated(payload: Payload) -> bool:
    """Return whether the gateway hides this channel from the bot: only its id, type and parent are true then."""
    flags = as_int(payload.get("flags")) or 0
    return bool(flags & OBFUSCATED) or payload.get("name") == OBFUSCATED_NAME


def is_private_thread(payload: Payload) -> bool:
    """Return whether a thread is for invited members only."""
    return as_int(payload.get("type")) == _PRIVATE_THREAD


def channel_record(payload: Payload, skip_reason: SkipReason | None, hash_user: HashUser) -> ChannelRecord | None:
    """Return the record of a channel that is no thread, with the reason for which it is not read."""
    channel_id = snowflake(payload.get("id"))
    if channel_id is None:
        return None
    hidden = skip_reason is SkipReason.OBFUSCATED
    scrub = Scrubber(hash_user)
    name = payload.get("name")
    return ChannelRecord(
        platform_id=channel_id,
        parent_platform_id=snowflake(payload.get("parent_id")),
        name=scrub(name) if isinstance(name, str) and not hidden else None,
        type=channel_type(payload),
        skip_reason=skip_reason,
        last_message_platform_id=snowflake(payload.get("last_message_id")),
        names_head=_names_head(payload),
        has_archived_threads=skip_reason is None and as_int(payload.get("type")) in _THREAD_PARENTS,
        created_at=snowflake_time(channel_id),
        metadata=_hidden_metadata(payload) if hidden else _channel_metadata(payload, scrub),
    )


def thread_record(payload: Payload, skip_reason: SkipReason | None, hash_user: HashUser) -> ChannelRecord | None:
    """Return a thread's record. Without a reason of its own it shares its parent's; a private one is never read."""
    thread_id = snowflake(payload.get("id"))
    if thread_id is None:
        return None
    scrub = Scrubber(hash_user)
    name = payload.get("name")
    return ChannelRecord(
        platform_id=thread_id,
        parent_platform_id=snowflake(payload.get("parent_id")),
        name=scrub(name) if isinstance(name, str) else None,
        type=channel_type(payload),
        skip_reason=SkipReason.NOT_PUBLIC if is_private_thread(payload) else skip_reason,
        last_message_platform_id=snowflake(payload.get("last_message_id")),
        names_head=_names_head(payload),
        archived_at=archive_stamp(payload) if as_object(payload.get("thread_metadata")).get("archived") else None,
        message_count=_message_count(payload),
        created_at=snowflake_time(thread_id),
        metadata=_thread_metadata(payload, scrub, hash_user),
    )


def _names_head(payload: Payload) -> bool:
    """Return whether a payload says which message is the newest; null where there never was one."""
    head = payload.get("last_message_id", "")
    return head is None or snowflake(head) is not None


def _message_count(payload: Payload) -> int | None:
    count = as_int(payload.get("message_count"))
    return count if count is not None and 0 <= count <= LARGEST_COUNT else None


def archive_stamp(payload: Payload) -> datetime | None:
    """Return when a thread was last archived or unarchived; None where the payload has no such time."""
    return timestamp(as_object(payload.get("thread_metadata")).get("archive_timestamp"))


def archive_time(payload: Payload) -> datetime:
    """Return when a thread was last archived or unarchived; where the payload has no such time, when it was created."""
    return archive_stamp(payload) or snowflake_time(snowflake(payload.get("id")) or "0")


def channel_type(payload: Payload) -> ChannelType:
    """Return what a channel is to a reader."""
    return _TYPES.get(as_int(payload.get("type")) or 0, ChannelType.OTHER)


def _common(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    topic = payload.get("topic")
    return {
        "platform_type": as_int(payload.get("type")) or 0,
        "topic": scrub(topic) if isinstance(topic, str) else None,
        "nsfw": bool(payload.get("nsfw")),
        "rate_limit_per_user": as_int(payload.get("rate_limit_per_user")) or None,
        "flags": as_int(payload.get("flags")) or None,
    }


def _channel_metadata(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    return without_empty(
        {
            **_common(payload, scrub),
            "position": as_int(payload.get("position")),
            "available_tags": [_tag(t, scrub) for t in as_objects(payload.get("available_tags"))],
            "default_forum_layout": as_int(payload.get("default_forum_layout")) or None,
            "default_sort_order": as_int(payload.get("default_sort_order")),
            "bitrate": as_int(payload.get("bitrate")),
            "user_limit": as_int(payload.get("user_limit")) or None,
        }
    )


def _hidden_metadata(payload: Payload) -> dict[str, Any]:
    return without_empty(
        {"platform_type": as_int(payload.get("type")) or 0, "position": as_int(payload.get("position"))}
    )


def _tag(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    name, emoji_name = payload.get("name"), payload.get("emoji_name")
    return without_empty(
        {
            "id": snowflake(payload.get("id")),
            "name": scrub(name) if isinstance(name, str) else None,
            "moderated": bool(payload.get("moderated")),
            "emoji_id": snowflake(payload.get("emoji_id")),
            "emoji_name": scrub(emoji_name) if isinstance(emoji_name, str) else None,
        }
    )


def _thread_metadata(payload: Payload, scrub: Scrubber, hash_user: HashUser) -> dict[str, Any]:
    state = as_object(payload.get("thread_metadata"))
    owner_id = snowflake(payload.get("owner_id"))
    return without_empty(
        {
            **_common(payload, scrub),
            "applied_tags": snowflakes(payload.get("applied_tags")),
            **{key: bool(state.get(key)) for key in ("archived", "locked", "invitable")},
            "archive_timestamp": as_time_text(state.get("archive_timestamp")),
            "auto_archive_duration": as_int(state.get("auto_archive_duration")),
            "create_timestamp": as_time_text(state.get("create_timestamp")),
            "message_count": as_int(payload.get("message_count")),
            "total_message_sent": as_int(payload.get("total_message_sent")),
            "owner_hash": hash_user(owner_id) if owner_id else None,
        }
    )
