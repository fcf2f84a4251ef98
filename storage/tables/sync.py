"""How the archive is kept: jobs, checkpoints, gaps, what is to be read again, what audits found."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    FromClause,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    literal_column,
    text,
)

from storage.sql import Id, JsonObject, RowId, UtcDateTime
from storage.tables.common import metadata, one_of, outcome_columns, timestamp_columns


def _tenant_id(*, index: bool = False) -> Column[object]:
    of_tenant = ForeignKey("tenants.id", ondelete="CASCADE")
    return Column("tenant_id", Id, of_tenant, nullable=False, index=index, comment="Its community.")


def _channel_key() -> Column[object]:
    of_channel = ForeignKey("channels.id", ondelete="CASCADE")
    return Column("channel_id", RowId, of_channel, primary_key=True, autoincrement=False, comment="The channel.")


sync_jobs = Table(
    "sync_jobs",
    metadata,
    Column("id", Id, primary_key=True, comment="The job's id; in order of time as text."),
    _tenant_id(),
    Column("kind", Text, nullable=False, comment="initial, scheduled, manual or audit."),
    Column("status", Text, nullable=False, comment="queued or running, or how it ended."),
    Column(
        "attempt",
        Integer,
        nullable=False,
        comment="How often a worker has taken it up: the fencing token.",
    ),
    Column("run_after", UtcDateTime, nullable=False, comment="When it becomes due."),
    Column(
        "priority",
        Integer,
        nullable=False,
        comment="Internal: no longer read, rank_at is; written for the release before.",
    ),
    Column("rank_at", UtcDateTime, comment="Of those that are due the earliest runs first."),
    Column("owner", Text, comment="The worker that runs it, or ran it last."),
    Column("lease_until", UtcDateTime, comment="Until when it is that worker's, unless the worker renews it."),
    Column("cancel_requested", Boolean, nullable=False, server_default=false(), comment="Whether it is to end soon."),
    Column("queued_at", UtcDateTime, nullable=False, comment="When it was requested."),
    Column("started_at", UtcDateTime, comment="When a worker first took it up."),
    Column("finished_at", UtcDateTime, comment="When it ended."),
    Column("totals", JsonObject, nullable=False, comment="What it did, in numbers, over all its attempts."),
    Column("error", JsonObject, comment="Why it did not succeed: code and message."),
    *timestamp_columns(),
    one_of("kind", "initial", "scheduled", "manual", "audit"),
    one_of("status", "queued", "running", "succeeded", "partial", "failed", "rate_limited", "cancelled"),
    Index(None, "tenant_id", "id"),
    Index(None, "status", "id"),
    Index(None, "kind", "id"),
    comment="A sync of a community: waiting, running or ended.",
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
    """Write that predicate for any alias, with literals: a database cannot match parameters with the index."""
    return jobs.c.status.in_([literal_column("'queued'"), literal_column("'running'")])


sync_progress = Table(
    "sync_progress",
    metadata,
    _channel_key(),
    Column("last_message_platform_id", Id, comment="The checkpoint: everything up to this message is stored."),
    Column("last_message_at", UtcDateTime, comment="When that message was sent."),
    Column(
        "deleted_head_platform_id",
        Id,
        comment="Internal: a head that needs no request while it stays the same: deleted, or read beyond.",
    ),
    Column(
        "is_read_to_end",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="Internal: whether it was read to its end since its checkpoint last moved, whatever else of it failed: "
        "state cannot say both.",
    ),
    Column("messages_archived", BigInteger, nullable=False, comment="How many messages were stored up to there."),
    Column(
        "job_messages",
        BigInteger,
        nullable=False,
        server_default=literal_column("0"),
        comment="How many of them the job that last worked on it has stored, in all its attempts.",
    ),
    Column("state", Text, nullable=False, comment="syncing, complete (read to its end) or failed."),
    Column("last_error", JsonObject, comment="Why it is not complete: code, message, at and attempts."),
    Column(
        "set_aside",
        JsonObject,
        comment="The error that names (message_ids) the messages that the database cannot hold, until it holds them.",
    ),
    Column(
        "last_job_id",
        Id,
        ForeignKey("sync_jobs.id", ondelete="SET NULL"),
        index=True,
        comment="The job that last worked on it.",
    ),
    *timestamp_columns(),
    one_of("state", "syncing", "complete", "failed"),
    comment="How far a channel is archived.",
)

live_state = Table(
    "live_state",
    metadata,
    Column("platform", Id, primary_key=True, comment="The platform's name."),
    Column(
        "part",
        Id,
        primary_key=True,
        comment="The part of the platform's connection, such as a shard: its number and of how many.",
    ),
    Column("owner", Id, comment="The process that writes its live events."),
    Column("lease_until", UtcDateTime, comment="Until when it does, unless it renews that."),
    Column("watermark_at", UtcDateTime, comment="All events received until then are written."),
    Column(
        "epoch",
        Integer,
        nullable=False,
        server_default=literal_column("0"),
        comment="How often it was taken over: what was received before the last time must not be written after it.",
    ),
    *timestamp_columns(),
    comment="Which process writes the live events of which part of a platform's connection.",
)

sync_gaps = Table(
    "sync_gaps",
    metadata,
    Column("id", RowId, Identity(), primary_key=True, comment="Our id of the gap."),
    _tenant_id(index=True),
    Column(
        "reason",
        Text,
        nullable=False,
        comment="Why no events came in: process_down (no process was connected), session_lost (the platform began a "
        "new session), takeover (another process took over), outage (the platform had one), left (the bot was not in "
        "the community) or stopped (its syncs were).",
    ),
    Column("began_at", UtcDateTime, nullable=False, comment="Since when events may be missing."),
    Column("ended_at", UtcDateTime, comment="Until when; null while it is open."),
    Column("planned_at", UtcDateTime, comment="When what to read again for it was put into refetch_ranges."),
    Column("repaired_at", UtcDateTime, comment="When that had been read."),
    *timestamp_columns(),
    one_of("reason", "process_down", "session_lost", "takeover", "outage", "left", "stopped"),
    comment="A time of which live events of a community may be missing.",
)

IS_OPEN = sync_gaps.c.ended_at.is_(None)
"""The predicate of the index that makes a second open gap of a tenant impossible."""

Index("uq_sync_gaps_open", sync_gaps.c.tenant_id, unique=True, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)

refetch_ranges = Table(
    "refetch_ranges",
    metadata,
    Column("id", RowId, Identity(), primary_key=True, comment="Our id of the range."),
    Column(
        "channel_id",
        RowId,
        ForeignKey("channels.id", ondelete="CASCADE"),
        nullable=False,
        comment="The channel.",
    ),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="refetch (single messages), gap (sent since a day before a gap), window (older ones) or audit; in this "
        "order.",
    ),
    Column("after_platform_id", Id, comment="The cursor, exclusive: everything up to it has been read again."),
    Column("until_platform_id", Id, nullable=False, comment="The last message of the range, inclusive."),
    *outcome_columns(),
    *timestamp_columns(),
    UniqueConstraint("channel_id", "kind", "until_platform_id"),
    one_of("kind", "refetch", "gap", "window", "audit"),
    comment="Messages of a channel that are to be read again.",
)

channel_audits = Table(
    "channel_audits",
    metadata,
    _channel_key(),
    Column("audited_at", UtcDateTime, nullable=False, comment="When its last audit was completed."),
    Column(
        "stored",
        Integer,
        nullable=False,
        server_default=literal_column("0"),
        comment="How many messages were stored before.",
    ),
    *outcome_columns(),
    Column("platform_count", Integer, comment="How many messages there are by the platform's own count."),
    *timestamp_columns(),
    comment="What the last audit of a channel found.",
)
