"""Records with sensible values, so that a test names only what it is about."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.records import (
    AttachmentRecord,
    AuthorKind,
    ChannelRecord,
    ChannelType,
    MessageRecord,
    ReactionTotalRecord,
    SkipReason,
    TenantRecord,
)
from storage.live import MessageChange, ReactionState

NOW = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

GUILD = TenantRecord(platform_id="100", name="Guild", metadata={"description": "about"})


def channel(platform_id: str, **changes: Any) -> ChannelRecord:
    """A public text channel without a parent."""
    record = ChannelRecord(
        platform_id=platform_id,
        parent_platform_id=None,
        name=f"channel {platform_id}",
        type=ChannelType.TEXT,
        skip_reason=None,
        metadata={"platform_type": 0},
    )
    return replace(record, **changes)


def thread(platform_id: str, parent: str, **changes: Any) -> ChannelRecord:
    """A public active thread."""
    own = {"parent_platform_id": parent, "type": ChannelType.THREAD, "metadata": {"platform_type": 11}}
    return channel(platform_id, **own | changes)


def skipped(record: ChannelRecord, reason: SkipReason) -> ChannelRecord:
    """The same channel, not to be read."""
    return replace(record, skip_reason=reason)


def message(number: int, **changes: Any) -> MessageRecord:
    """The message of that number: its id and its time follow from it."""
    record = MessageRecord(
        platform_id=str(number),
        author_hash="a" * 64,
        author_kind=AuthorKind.USER,
        content=f"message {number}",
        type="default",
        sent_at=NOW - HOUR + number * SECOND,
        edited_at=None,
        reply_to_channel_platform_id=None,
        reply_to_message_platform_id=None,
        reply_to_author_hash=None,
        metadata={},
    )
    return replace(record, **changes)


def attachment(platform_id: str, **changes: Any) -> AttachmentRecord:
    """A picture."""
    record = AttachmentRecord(
        platform_id=platform_id,
        filename="cat.png",
        size_bytes=12_345,
        content_type="image/png",
        url=f"https://cdn.example/{platform_id}/cat.png?ex=1",
        url_expires_at=NOW + HOUR,
        metadata={"width": 640},
    )
    return replace(record, **changes)


def change(
    tenant_id: str, channel_id: str, message_id: str, *, reactions: Iterable[ReactionState] = (), **changes: Any
) -> MessageChange:
    """Nothing happened to a message, but for what is named. The ids are the platform's but the tenant's."""
    made = MessageChange(tenant_id=tenant_id, channel_platform_id=channel_id, message_platform_id=message_id, **changes)
    for state in reactions:
        made.react(state)
    return made


def reaction(user: str, *, emoji: str = "👍", burst: bool = False, is_given: bool = True) -> ReactionState:
    """A user gave a standard emoji."""
    return ReactionState(emoji_key=emoji, emoji=emoji, user_hash=user, burst=burst, is_given=is_given)


def total(emoji: str, count: int = 1, *, burst: bool = False) -> ReactionTotalRecord:
    """A standard emoji's total of one kind."""
    return ReactionTotalRecord(emoji_key=emoji, burst=burst, emoji=emoji, count=count)


def both_totals(emoji: str, normal: int, burst: int) -> tuple[ReactionTotalRecord, ...]:
    """A standard emoji's totals of both kinds; of one that nobody has given there is none."""
    return tuple(total(emoji, count, burst=kind) for kind, count in ((False, normal), (True, burst)) if count)
