"""What is archived: communities, channels, messages and what hangs on them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
    true,
)

from storage.sql import Id, JsonObject, RowId, UtcDateTime
from storage.tables.common import metadata, one_of, timestamp_columns

_METADATA = "What else the platform says, as docs/discord-mapping.md lists it."

tenants = Table(
    "tenants",
    metadata,
    Column("id", Id, primary_key=True, comment="<platform>-<platform_id>."),
    Column("platform", Id, nullable=False, comment="The platform's name, such as discord."),
    Column("platform_id", Id, nullable=False, comment="The platform's id of the community."),
    Column("name", Text, comment="Its name."),
    Column("sync_status", Text, nullable=False, comment="How its last sync ended, or that one is to come or runs."),
    Column("last_sync_at", UtcDateTime, comment="When a sync last ended, however it did."),
    Column("last_successful_sync_at", UtcDateTime, comment="When a sync last reached the head of every channel."),
    Column("not_before", UtcDateTime, comment="Internal: no sync begins before, because of the platform's rate limit."),
    Column("stopped_at", UtcDateTime, comment="Since when its administrator has its syncs stopped."),
    Column("purged_at", UtcDateTime, comment="When its archive was deleted; the bare row keeps it from coming back."),
    Column("audit_requested_at", UtcDateTime, comment="Since when an audit of all its channels is wanted."),
    Column("audited_at", UtcDateTime, comment="When an audit of all its channels was last completed."),
    Column(
        "part",
        Id,
        comment="Which part of the platform's connection tells of it, such as a shard; null: not known yet.",
    ),
    Column("metadata", JsonObject, nullable=False, comment=_METADATA),
    *timestamp_columns("When it was first stored, or created again after it was purged."),
    UniqueConstraint("platform", "platform_id"),
    one_of("sync_status", "pending", "syncing", "ok", "partial", "failed", "rate_limited", "disconnected"),
    comment="A community that is archived: on Discord a guild.",
)

channels = Table(
    "channels",
    metadata,
    Column("id", RowId, Identity(), primary_key=True, comment="Our id of the channel."),
    Column("tenant_id", Id, ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, comment="Its community."),
    Column("platform_id", Id, nullable=False, comment="The platform's id of the channel."),
    Column(
        "parent_id",
        RowId,
        ForeignKey("channels.id", ondelete="SET NULL"),
        index=True,
        comment="The channel that it belongs to: a thread's channel or forum, a channel's category.",
    ),
    Column("name", Text, comment="Its name, the last that the platform showed."),
    Column("type", Text, nullable=False, comment="text, thread, forum (holds threads), category or other."),
    Column("sync_state", Text, nullable=False, comment="archived, or skipped for the reason beside it."),
    Column("skip_reason", Text, comment="Why it is not read: its own reason, or else for a thread its parent's."),
    Column("skipped_since", UtcDateTime, comment="Since when it is not read; what was archived stays."),
    Column("own_skip_reason", Text, comment="Internal: what the platform said of this very channel."),
    Column("head_platform_id", Id, comment="Internal: its newest message by the platform, which may be deleted."),
    Column("thread_cursor", JsonObject, comment="Internal: how far its archived threads have been listed."),
    Column("unmonitored_since", UtcDateTime, comment="Internal: since when changes may have been missed."),
    Column("archived_at", UtcDateTime, comment="When the platform archived the thread; null: it is open."),
    Column("is_listed", Boolean, nullable=False, server_default=true(), comment="Internal: whether listings show it."),
    Column("message_count", Integer, comment="How many messages it holds by the platform's count; null: unknown."),
    Column("visible_since", UtcDateTime, comment="From when on the platform shows messages; null: it shows all."),
    Column("unlisted_since", UtcDateTime, comment="Internal: since when it has been missing from all listings."),
    Column("looked_up_at", UtcDateTime, comment="Internal: when it was last requested alone, being in no listing."),
    Column(
        "threads_listed_at",
        UtcDateTime,
        comment="Internal: when an interrupted sync listed its archived threads.",
    ),
    Column(
        "hidden_at",
        UtcDateTime,
        comment="Internal: when it was last reported as hidden or deleted; only a later listing can show it again.",
    ),
    Column("metadata", JsonObject, nullable=False, comment=_METADATA),
    *timestamp_columns(),
    UniqueConstraint("tenant_id", "platform_id"),
    UniqueConstraint("tenant_id", "id"),  # what messages refer to, so that theirs is always the channel's tenant
    CheckConstraint(
        "sync_state = CASE WHEN skip_reason IS NULL THEN 'archived' ELSE 'skipped' END"
        " AND (skip_reason IS NULL) = (skipped_since IS NULL)",
        name="sync_state",
    ),
    comment="A channel, thread, forum or category of a community, read or not.",
)

Index("ix_channels_archived", channels.c.parent_id, channels.c.archived_at)
WAS_OUT_OF_SIGHT = channels.c.unmonitored_since.is_not(None)
Index(
    "ix_channels_unmonitored",
    channels.c.tenant_id,
    sqlite_where=WAS_OUT_OF_SIGHT,
    postgresql_where=WAS_OUT_OF_SIGHT,
)

messages = Table(
    "messages",
    metadata,
    Column("id", RowId, Identity(), primary_key=True, comment="Our id of the message."),
    Column("channel_id", RowId, nullable=False, comment="Its channel or thread."),
    Column("platform_id", Id, nullable=False, comment="The platform's id of the message."),
    Column("tenant_id", Id, nullable=False, comment="Its community."),
    Column("author_hash", Id, comment="The pseudonym of who wrote it; null where unknown or erased."),
    Column("author_kind", Text, nullable=False, comment="user, bot, webhook or system."),
    Column("content", Text, nullable=False, comment="Its text; people in it are named by their pseudonyms."),
    Column("type", Text, nullable=False, comment="The platform's kind of message, such as default or reply."),
    Column("sent_at", UtcDateTime, nullable=False, comment="When it was sent."),
    Column("edited_at", UtcDateTime, comment="When its author last edited it."),
    Column("deleted_at", UtcDateTime, comment="Since when it is known to be deleted on the platform; the row stays."),
    Column("reply_to_channel_platform_id", Id, comment="The channel of the message that it answers."),
    Column("reply_to_message_platform_id", Id, comment="The message that it answers, which need not be archived."),
    Column("reply_to_author_hash", Id, comment="The pseudonym of who wrote that one, where the platform said it."),
    Column("metadata", JsonObject, nullable=False, comment=_METADATA),
    *timestamp_columns(),
    UniqueConstraint("channel_id", "platform_id"),
    ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "sent_at"),
    Index(None, "channel_id", "sent_at"),
    Index(None, "author_hash"),
    comment="A message. Deleted ones stay, with their deleted_at.",
)
IS_DELETED = messages.c.deleted_at.is_not(None)

Index(
    "ix_messages_deleted",
    messages.c.tenant_id,
    messages.c.channel_id,
    messages.c.platform_id,
    sqlite_where=IS_DELETED,
    postgresql_where=IS_DELETED,
)
Index(
    "ix_messages_reply_to_message_platform_id",
    messages.c.reply_to_message_platform_id,
    sqlite_where=messages.c.reply_to_message_platform_id.is_not(None),
    postgresql_where=messages.c.reply_to_message_platform_id.is_not(None),
)


def _message_key() -> tuple[Column[object], Column[object], ForeignKeyConstraint]:
    return (
        Column("channel_id", RowId, primary_key=True, autoincrement=False, comment="The message's channel."),
        Column("message_platform_id", Id, primary_key=True, comment="The message's id by the platform."),
        ForeignKeyConstraint(
            ["channel_id", "message_platform_id"], ["messages.channel_id", "messages.platform_id"], ondelete="CASCADE"
        ),
    )


attachments = Table(
    "attachments",
    metadata,
    *_message_key(),
    Column("platform_id", Id, primary_key=True, comment="The platform's id of the file."),
    Column("filename", Text, nullable=False, comment="Its name."),
    Column("size_bytes", BigInteger, comment="Its size in bytes."),
    Column("content_type", Text, comment="Its media type, such as image/png."),
    Column("url", Text, nullable=False, comment="Where the platform serves it. Files are not downloaded."),
    Column("url_expires_at", UtcDateTime, comment="Until when that address works."),
    Column("metadata", JsonObject, nullable=False, comment=_METADATA),
    *timestamp_columns(),
    Index(None, "platform_id"),
    sqlite_with_rowid=False,
    comment="A file that hangs on a message.",
)


def _emoji_columns() -> tuple[Column[object], ...]:
    return (
        Column("emoji_key", Id, primary_key=True, comment="The emoji's character, or the id of a custom one."),
        Column("burst", Boolean, primary_key=True, comment="Whether it was given as a burst (a super reaction)."),
    )


_EMOJI = "The character, or <:name:id>, <a:name:id> where animated."

reaction_totals = Table(
    "reaction_totals",
    metadata,
    *_message_key(),
    *_emoji_columns(),
    Column("emoji", Text, nullable=False, comment=_EMOJI),
    Column("count", Integer, nullable=False, comment="How often it was given, by the platform's last word."),
    Column(
        "fetched_count",
        Integer,
        comment="The count at which its users were last fetched; another one than count: they are to be fetched.",
    ),
    Column(
        "uncounted_events",
        Integer,
        nullable=False,
        server_default=literal_column("0"),
        comment="Internal: events that changed the count by an unknown number since (docs/decisions/0010).",
    ),
    *timestamp_columns(),
    sqlite_with_rowid=False,
    comment="How often one emoji was given to one message, in one kind: normally or as a burst.",
)

IS_PENDING = reaction_totals.c.fetched_count.is_distinct_from(reaction_totals.c["count"])
"""Whether the users of a total are still to be fetched. A query must repeat it to be answered by the index below."""

# The counts are in it because SQLite, without statistics, prefers reading all totals of a channel to an index that
# does not hold all it needs.
Index(
    "ix_reaction_totals_pending",
    reaction_totals.c.channel_id,
    reaction_totals.c.message_platform_id,
    reaction_totals.c.emoji_key,
    reaction_totals.c.burst,
    reaction_totals.c["count"],
    reaction_totals.c.fetched_count,
    sqlite_where=text("fetched_count IS NOT count"),
    postgresql_where=IS_PENDING,
)

_TOTAL_KEY = ("channel_id", "message_platform_id", "emoji_key", "burst")

reactions = Table(
    "reactions",
    metadata,
    Column("channel_id", RowId, primary_key=True, autoincrement=False, comment="The message's channel."),
    Column("message_platform_id", Id, primary_key=True, comment="The message's id by the platform."),
    *_emoji_columns(),
    Column("user_hash", Id, primary_key=True, comment="The pseudonym of who gave it."),
    Column("emoji", Text, nullable=False, comment=_EMOJI),
    *timestamp_columns(),
    ForeignKeyConstraint(_TOTAL_KEY, [f"reaction_totals.{name}" for name in _TOTAL_KEY], ondelete="CASCADE"),
    Index(None, "user_hash"),
    sqlite_with_rowid=False,
    comment="Who gave an emoji to a message.",
)
