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

from storage.sql import Id, JsonObject, RowId, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def timestamp_columns() -> tuple[Column[object], Column[object]]:
    """When the row was first written and last changed; an upsert that changes nothing leaves it alone."""
    return Column("created_at", UtcDateTime, nullable=False), Column("updated_at", UtcDateTime, nullable=False)


def _one_of(column: str, *values: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(v) for v in values)})", name=column)


archive_settings = Table(
    "archive_settings",
    metadata,
    Column("name", Id, primary_key=True),
    Column("value", Text, nullable=False),
    *timestamp_columns(),
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
    Column("stopped_at", UtcDateTime),  # since when its administrator has had its syncs stopped
    Column("purged_at", UtcDateTime),  # its archive was deleted on request; the bare row keeps it from coming back
    Column("audit_requested_at", UtcDateTime),  # since when an audit of all its channels is wanted; null: it is not
    Column("audited_at", UtcDateTime),  # when one was last completed
    Column("metadata", JsonObject, nullable=False),
    *timestamp_columns(),
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
    Column("head_platform_id", Id),  # internal: the newest message that the platform told of, which may be gone
    Column("thread_cursor", JsonObject),  # internal: how far its archived threads have been listed
    Column(
        "unmonitored_since", UtcDateTime
    ),  # internal: since when changes may have been missed because it was skipped
    Column("metadata", JsonObject, nullable=False),
    *timestamp_columns(),
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
    Column("id", RowId, Identity(), primary_key=True),
    Column("channel_id", RowId, nullable=False),
    Column("platform_id", Id, nullable=False),
    Column("tenant_id", Id, nullable=False),
    Column("author_hash", Id),
    Column("author_kind", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("sent_at", UtcDateTime, nullable=False),
    Column("edited_at", UtcDateTime),
    Column("deleted_at", UtcDateTime),
    Column("reply_to_channel_platform_id", Id),  # the platform's ids: the original need not be in the archive
    Column("reply_to_message_platform_id", Id),
    Column("reply_to_author_hash", Id),
    Column("metadata", JsonObject, nullable=False),
    *timestamp_columns(),
    UniqueConstraint("channel_id", "platform_id"),
    ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"], ondelete="CASCADE"),
    Index(None, "tenant_id", "sent_at"),
    Index(None, "author_hash"),
)
Index(
    "ix_messages_reply_to_message_id",
    messages.c.reply_to_message_platform_id,
    sqlite_where=messages.c.reply_to_message_platform_id.is_not(None),
    postgresql_where=messages.c.reply_to_message_platform_id.is_not(None),
)


def _message_key() -> tuple[Column[object], Column[object], ForeignKeyConstraint]:
    return (
        Column("channel_id", RowId, primary_key=True, autoincrement=False),
        Column("message_platform_id", Id, primary_key=True),
        ForeignKeyConstraint(
            ["channel_id", "message_platform_id"], ["messages.channel_id", "messages.platform_id"], ondelete="CASCADE"
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
    *timestamp_columns(),
    sqlite_with_rowid=False,
)

reaction_totals = Table(
    "reaction_totals",
    metadata,
    *_message_key(),
    Column("emoji_key", Id, primary_key=True),
    Column("burst", Boolean, primary_key=True),
    Column("emoji", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("fetched_count", Integer),  # the count at which its users were last fetched; null: they are to be fetched
    # Internal: how many events have changed the count by an unknown number; 0: it is as the platform said.
    Column("uncounted_events", Integer, nullable=False, server_default=literal_column("0")),
    *timestamp_columns(),
    sqlite_with_rowid=False,
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

reactions = Table(
    "reactions",
    metadata,
    Column("channel_id", RowId, primary_key=True, autoincrement=False),
    Column("message_platform_id", Id, primary_key=True),
    Column("emoji_key", Id, primary_key=True),
    Column("burst", Boolean, primary_key=True),
    Column("user_hash", Id, primary_key=True),
    Column("emoji", Text, nullable=False),
    *timestamp_columns(),
    ForeignKeyConstraint(
        ["channel_id", "message_platform_id", "emoji_key", "burst"],
        [f"reaction_totals.{n}" for n in ("channel_id", "message_platform_id", "emoji_key", "burst")],
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
    *timestamp_columns(),
    _one_of("kind", "initial", "scheduled", "manual", "audit"),
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
    Column("last_message_platform_id", Id),  # the checkpoint: everything up to it is stored
    Column("last_message_at", UtcDateTime),
    Column("deleted_head_platform_id", Id),  # internal: a newest message that the platform told of and that is gone
    Column("messages_archived", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("last_error", JsonObject),
    Column("last_job_id", Id, ForeignKey("sync_jobs.id", ondelete="SET NULL"), index=True),
    *timestamp_columns(),
    _one_of("state", "syncing", "complete", "failed"),
)

live_state = Table(
    "live_state",
    metadata,
    Column("platform", Id, primary_key=True),
    Column("owner", Id),  # the process that writes what the platform tells
    Column("lease_until", UtcDateTime),
    Column("watermark_at", UtcDateTime),  # everything the platform told until then is written
    *timestamp_columns(),
)

sync_gaps = Table(
    "sync_gaps",
    metadata,
    Column("id", RowId, Identity(), primary_key=True),
    Column("tenant_id", Id, ForeignKey("tenants.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),  # null while it is open
    Column("planned_at", UtcDateTime),  # since when its repairs are in ``refetch_ranges``
    Column("repaired_at", UtcDateTime),
    *timestamp_columns(),
    _one_of("reason", "process_down", "session_lost", "takeover", "outage", "left", "stopped"),
)

IS_OPEN = sync_gaps.c.ended_at.is_(None)
"""The predicate of the index that makes a second open gap of a tenant impossible."""

Index("uq_sync_gaps_open", sync_gaps.c.tenant_id, unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)


def _outcome() -> tuple[Column[object], ...]:
    """What reading messages again has found."""
    names = ("stored", "seen", "missing", "changed", "deleted")
    return tuple(Column(name, Integer, nullable=False, server_default=literal_column("0")) for name in names)


refetch_ranges = Table(
    "refetch_ranges",
    metadata,
    Column("id", RowId, Identity(), primary_key=True),
    Column("channel_id", RowId, ForeignKey("channels.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("after_platform_id", Id),  # the cursor, exclusive: everything up to it has been read again
    Column("until_platform_id", Id, nullable=False),  # inclusive
    *_outcome(),
    *timestamp_columns(),
    UniqueConstraint("channel_id", "kind", "until_platform_id"),
    _one_of("kind", "refetch", "gap", "audit"),
)

channel_audits = Table(
    "channel_audits",
    metadata,
    Column(
        "channel_id",
        RowId,
        ForeignKey("channels.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("audited_at", UtcDateTime, nullable=False),
    *_outcome(),
    Column("platform_count", Integer),  # how many messages there are by the platform's own count
    *timestamp_columns(),
)

erased_users = Table(
    "erased_users",
    metadata,
    Column("tenant_id", Id, primary_key=True),  # empty: in every tenant, so it refers to none
    Column("user_hash", Id, primary_key=True),
    Column("erased_at", UtcDateTime, nullable=False),
    *timestamp_columns(),
)
