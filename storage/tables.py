"""The tables. Analysts query these names: a rename is a break. See docs for what a platform puts into them.

A column without a comment is described in the data model of the design; "internal" ones serve the sync alone.
Every change here needs a migration; a test compares the two.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    FromClause,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from storage.types import Id, JsonObject, RowId, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _audit() -> tuple[Column[object], Column[object]]:
    """When the row was first written and last changed; an upsert that changes nothing leaves it alone."""
    return Column("created_at", UtcDateTime, nullable=False), Column("updated_at", UtcDateTime, nullable=False)


def _one_of(column: str, *values: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=column)


archive_settings = Table(
    "archive_settings",
    metadata,
    Column("name", Id, primary_key=True),
    Column("value", Text, nullable=False),
    *_audit(),
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Id, primary_key=True),  # <platform>-<platform_id>
    Column("platform", Id, nullable=False),
    Column("platform_id", Id, nullable=False),
    Column("name", Text),
    Column("sync_status", Text, nullable=False),
    Column("last_sync_at", UtcDateTime),
    Column("last_successful_sync_at", UtcDateTime),
    Column("not_before", UtcDateTime),  # internal: the platform asked us to stay away until then
    Column("metadata", JsonObject, nullable=False),
    *_audit(),
    UniqueConstraint("platform", "platform_id"),
    _one_of("sync_status", "pending", "syncing", "ok", "partial", "failed", "rate_limited", "disconnected"),
)

channels = Table(
    "channels",
    metadata,
    Column("id", RowId, Identity(), primary_key=True),
    Column("tenant_id", Id, ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
    Column("platform_id", Id, nullable=False),
    Column("parent_id", RowId, ForeignKey("channels.id", ondelete="SET NULL"), index=True),
    Column("name", Text),
    Column("type", Text, nullable=False),
    Column("sync_state", Text, nullable=False),
    Column("skip_reason", Text),  # the channel's own reason, or else for a thread its parent's
    Column("skipped_since", UtcDateTime),
    Column("own_skip_reason", Text),  # internal: what the platform said of this very channel
    Column("head_id", Id),  # internal: the newest message that the platform told of, which may be gone
    Column("thread_cursor", JsonObject),  # internal: how far its archived threads have been listed
    Column("metadata", JsonObject, nullable=False),
    *_audit(),
    UniqueConstraint("tenant_id", "platform_id"),
    UniqueConstraint("tenant_id", "id"),  # what messages refer to, so that theirs is always the channel's tenant
    CheckConstraint(
        "sync_state = CASE WHEN skip_reason IS NULL THEN 'archived' ELSE 'skipped' END"
        " AND (skip_reason IS NULL) = (skipped_since IS NULL)",
        name="sync_state",
    ),
)

messages = Table(
    "messages",
    metadata,
    Column("channel_id", RowId, primary_key=True, autoincrement=False),
    Column("platform_id", Id, primary_key=True),
    Column("tenant_id", Id, nullable=False),
    Column("author_hash", Id),
    Column("author_kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("edited_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
    Column("reply_to_channel_id", Id),  # the platform's ids: the original need not be in the archive
    Column("reply_to_message_id", Id),
    Column("reply_to_author_hash", Id),
    Column("metadata", JsonObject, nullable=False),
    *_audit(),
    ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "sent_at"),
    Index(None, "author_hash"),
)
Index(
    "ix_messages_reply_to_message_id",
    messages.c.reply_to_message_id,
    sqlite_where=messages.c.reply_to_message_id.is_not(None),
    postgresql_where=messages.c.reply_to_message_id.is_not(None),
)


def _message_key() -> tuple[Column[object], Column[object], ForeignKeyConstraint]:
    return (
        Column("channel_id", RowId, primary_key=True, autoincrement=False),
        Column("message_id", Id, primary_key=True),
        ForeignKeyConstraint(
            ["channel_id", "message_id"], ["messages.channel_id", "messages.platform_id"], ondelete="CASCADE"
        ),
    )


attachments = Table(
    "attachments",
    metadata,
    *_message_key(),
    Column("platform_id", Id, primary_key=True),
    Column("filename", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("content_type", Text),
    Column("url", Text, nullable=False),
    Column("url_expires_at", UtcDateTime),
    Column("metadata", JsonObject, nullable=False),
    *_audit(),
    sqlite_with_rowid=False,
)

reaction_totals = Table(
    "reaction_totals",
    metadata,
    *_message_key(),
    Column("emoji_key", Id, primary_key=True),
    Column("emoji", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("burst_count", Integer, nullable=False),
    Column("fetched_count", Integer),  # the totals at which the users were last fetched; null: never
    Column("fetched_burst_count", Integer),
    *_audit(),
    sqlite_with_rowid=False,
)

reactions = Table(
    "reactions",
    metadata,
    Column("channel_id", RowId, primary_key=True, autoincrement=False),
    Column("message_id", Id, primary_key=True),
    Column("emoji_key", Id, primary_key=True),
    Column("user_hash", Id, primary_key=True),
    Column("burst", Boolean, primary_key=True),
    Column("emoji", Text, nullable=False),
    *_audit(),
    ForeignKeyConstraint(
        ["channel_id", "message_id", "emoji_key"],
        ["reaction_totals.channel_id", "reaction_totals.message_id", "reaction_totals.emoji_key"],
        ondelete="CASCADE",
    ),
    Index(None, "user_hash"),
    sqlite_with_rowid=False,
)

sync_jobs = Table(
    "sync_jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant_id", Id, ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),  # how often a worker has taken it up; the fencing token
    Column("run_after", UtcDateTime, nullable=False),
    Column("owner", Text),  # the worker that runs it, or ran it last
    Column("lease_until", UtcDateTime),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("totals", JsonObject, nullable=False),
    Column("error", JsonObject),
    *_audit(),
    _one_of("kind", "initial", "scheduled", "manual"),
    _one_of("status", "queued", "running", "succeeded", "partial", "failed", "rate_limited", "cancelled"),
    Index(None, "tenant_id", "id"),
)

IS_UNFINISHED = text("status IN ('queued', 'running')")
"""The predicate of the index that makes a second unfinished job of a tenant impossible."""

Index(
    "uq_sync_jobs_unfinished",
    sync_jobs.c.tenant_id,
    unique=True,
    sqlite_where=IS_UNFINISHED,
    postgresql_where=IS_UNFINISHED,
)


def unfinished(jobs: FromClause) -> ColumnElement[bool]:
    """The same of any alias; with literals, because a database cannot match parameters with that index."""
    return jobs.c.status.in_([literal_column("'queued'"), literal_column("'running'")])


sync_progress = Table(
    "sync_progress",
    metadata,
    Column(
        "channel_id",
        RowId,
        ForeignKey("channels.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("last_message_id", Id),  # the checkpoint: everything up to it is stored
    Column("last_message_at", UtcDateTime),
    Column("empty_head_id", Id),  # internal: a newest message that the platform told of and that is gone
    Column("messages_archived", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("last_error", JsonObject),
    Column("last_job_id", Id, ForeignKey("sync_jobs.id", ondelete="SET NULL"), index=True),
    *_audit(),
    _one_of("state", "syncing", "complete", "failed"),
)
