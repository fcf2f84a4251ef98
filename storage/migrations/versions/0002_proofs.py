"""Add what later releases need beyond the baseline: proofs, ranks, set-aside messages, copies and erasure progress.

Revision ID: proofs
Revises: baseline
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "proofs"
down_revision = "baseline"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LINK = re.compile(r"/channels/([0-9]{1,20})/([0-9]{1,20})/([0-9]{1,20})(?![0-9])")  # to a message
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Apply this revision."""
    _add_hiding_of_channels()
    _rank_jobs_by_time()
    _count_messages_by_job()
    _add_ends_of_channels()
    _name_what_is_set_aside()
    _add_listings_of_threads()
    _follow_erasures()
    _note_copies()
    _index_what_is_looked_for()


def _add_hiding_of_channels() -> None:
    """Add when a channel was hidden, and remove the threads' own ``bot_lacks_access``, which wrongly lasted."""
    comment = "Internal: when it was last reported as hidden or deleted; only a later listing can show it again."
    op.add_column("channels", sa.Column("hidden_at", TIME, comment=comment))
    op.execute(
        "UPDATE channels SET own_skip_reason = NULL WHERE type = 'thread' AND own_skip_reason = 'bot_lacks_access'"
    )


def _rank_jobs_by_time() -> None:
    """Replace fixed priorities by a time, so that waiting jobs move forward."""
    comment = "Of those that are due the earliest runs first."
    op.add_column("sync_jobs", sa.Column("rank_at", TIME, comment=comment))
    op.execute("UPDATE sync_jobs SET rank_at = run_after")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "COMMENT ON COLUMN sync_jobs.priority IS 'Internal: no longer read, rank_at is; written for the release before.'"
        )


def _count_messages_by_job() -> None:
    """Add a count of a job's messages next to the checkpoint, so that both are committed together."""
    comment = "How many of them the job that last worked on it has stored, in all its attempts."
    column = sa.Column("job_messages", sa.BigInteger(), nullable=False, server_default=sa.text("0"), comment=comment)
    op.add_column("sync_progress", column)


def _add_ends_of_channels() -> None:
    """Add whether a channel was read to its end; one whose head is unknown counts as not read."""
    op.add_column(
        "sync_progress",
        sa.Column(
            "is_read_to_end",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="Internal: whether it was read to its end since its checkpoint last moved, whatever else of it failed: "
            "state cannot say both.",
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(
            "sync_progress",
            "deleted_head_platform_id",
            comment="Internal: a head that needs no request while it stays the same: deleted, or read beyond.",
            existing_comment="Internal: a newest message by the platform that is deleted.",
        )
        op.execute("COMMENT ON COLUMN sync_progress.state IS 'syncing, complete (read to its end) or failed.'")
    op.execute(
        "UPDATE sync_progress SET is_read_to_end = true WHERE state = 'complete'"
        " AND channel_id IN (SELECT id FROM channels WHERE head_platform_id IS NOT NULL)"
    )


def _name_what_is_set_aside() -> None:
    """Add a column for the error that names set-aside messages, so that no other error of the channel replaces it."""
    comment = "The error that names (message_ids) the messages that the database cannot hold, until it holds them."
    op.add_column(
        "sync_progress",
        sa.Column(
            "set_aside", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment=comment
        ),
    )


def _add_listings_of_threads() -> None:
    """Add times of archiving and of lookups of threads; the former are filled from stored metadata."""
    columns = {
        "archived_at": "When the platform archived the thread; null: it is open.",
        "unlisted_since": "Internal: since when it has been missing from all listings.",
        "looked_up_at": "Internal: when it was last requested alone, being in no listing.",
        "threads_listed_at": ("Internal: when an interrupted sync listed its archived threads."),
    }
    for name, comment in columns.items():
        op.add_column("channels", sa.Column(name, TIME, comment=comment))
    op.create_index("ix_channels_archived", "channels", ["parent_id", "archived_at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "UPDATE channels SET archived_at = (metadata->>'archive_timestamp')::timestamptz WHERE type = 'thread'"
            " AND metadata->>'archived' = 'true' AND metadata->>'archive_timestamp' ~"
            r" '^20\d\d-\d\d-\d\dT\d\d\:\d\d\:\d\d(\.\d+)?\+00\:00$'"
        )
        return
    op.execute(
        "UPDATE channels SET archived_at = substr(stamps.stamp, 1, 10) || ' ' || substr(stamps.stamp, 12, 8)"
        " || CASE length(stamps.stamp) WHEN 32 THEN substr(stamps.stamp, 20) ELSE '.000000+00\\:00' END"
        " FROM (SELECT id, json_extract(metadata, '$.archive_timestamp') AS stamp FROM channels"
        " WHERE type = 'thread' AND json_extract(metadata, '$.archived')) AS stamps"
        " WHERE stamps.id = channels.id AND stamps.stamp LIKE '20%+00\\:00' AND length(stamps.stamp) IN (25, 32)"
    )


def _index_what_is_looked_for() -> None:
    """Index deleted messages, and jobs by status and kind."""
    deleted = sa.text("deleted_at IS NOT NULL")
    columns = ["tenant_id", "channel_id", "platform_id"]
    op.create_index("ix_messages_deleted", "messages", columns, sqlite_where=deleted, postgresql_where=deleted)
    unmonitored = sa.text("unmonitored_since IS NOT NULL")
    op.create_index(
        "ix_channels_unmonitored", "channels", ["tenant_id"], sqlite_where=unmonitored, postgresql_where=unmonitored
    )
    op.create_index("ix_sync_jobs_status_id", "sync_jobs", ["status", "id"])
    op.create_index("ix_sync_jobs_kind_id", "sync_jobs", ["kind", "id"])


def _follow_erasures() -> None:
    """Add the progress of erasures; earlier ones run again, so that copies are erased too."""
    times = {
        "swept_at": "When the last row about the person was erased.",
        "completed_at": "When the files of a SQLite archive were clean, too; else as swept_at.",
    }
    counts = {
        "messages": "How many messages of the person were emptied.",
        "attachments": "How many files of the person were deleted.",
        "reactions": "How many reactions of the person were deleted.",
        "mentions": "How many messages, files and channels of others named the person.",
    }
    for name, comment in times.items():
        op.add_column("erased_users", sa.Column(name, TIME, comment=comment))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("COMMENT ON TABLE erased_users IS 'Of whom nothing is stored any more, on their request.'")
    for name, comment in counts.items():
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"), comment=comment)
        op.add_column("erased_users", column)


def _note_copies() -> None:
    """Add which message repeats which, and fill it from stored references."""
    op.create_table(
        "message_copies",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The channel of the message."),
        sa.Column("message_platform_id", ID, nullable=False, comment="The message that repeats another, by its id."),
        sa.Column(
            "original_tenant_platform_id",
            ID,
            nullable=True,
            comment="The other one's community, by its id; null: the same.",
        ),
        sa.Column("original_channel_platform_id", ID, nullable=False, comment="The other one's channel, by its id."),
        sa.Column("original_message_platform_id", ID, nullable=False, comment="The other one, by its id."),
        sa.Column(
            "path", ID, nullable=False, comment="Where in its metadata, as a JSON array; []: it is one as a whole."
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=op.f("fk_message_copies_channel_id_message_platform_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "channel_id",
            "message_platform_id",
            "original_channel_platform_id",
            "original_message_platform_id",
            "path",
            name=op.f("pk_message_copies"),
        ),
        comment="Internal: which message repeats which, as a forward or a quote, so that an erasure finds it.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_message_copies_original_message_platform_id"), "message_copies", ["original_message_platform_id"]
    )
    _note_copies_of_stored()


def _note_copies_of_stored() -> None:
    """Note what stored messages repeat: their references say it, and the links in their embeds and components."""
    naming = sa.text(
        "SELECT id, type, CAST(metadata AS TEXT) FROM messages WHERE id > :last"
        " AND (CAST(metadata AS TEXT) LIKE '%/channels/%' OR CAST(metadata AS TEXT) LIKE '%\"reference\"%')"
        " ORDER BY id LIMIT 1000"
    )
    note = sa.text(
        "INSERT INTO message_copies (channel_id, message_platform_id, original_tenant_platform_id,"
        " original_channel_platform_id, original_message_platform_id, path, created_at, updated_at)"
        " SELECT channel_id, platform_id, :guild, :place, :message, :path, created_at, updated_at"
        " FROM messages WHERE id = :id ON CONFLICT DO NOTHING"
    )
    connection, last = op.get_bind(), -1
    while rows := connection.execute(naming, {"last": last}).all():
        last = rows[-1][0]
        names = ("guild", "place", "message", "path")
        found = [
            {"id": row_id, **dict(zip(names, copy, strict=True))}
            for row_id, kind, text in rows
            for copy in _copies(kind, json.loads(text))
        ]
        if found:
            connection.execute(note, found)


def _copies(kind: str, metadata: dict[str, Any]) -> Iterator[tuple[str | None, str, str, str]]:
    """Find what a message repeats: the original's guild, channel and id, and where the copy is."""
    named, forward = metadata.get("reference") or {}, metadata.get("forward") or {}
    is_whole = (metadata.get("flags") or 0) & 2
    path = [] if is_whole else ["forward"] if forward else ["embeds"] if kind == "poll_result" else None
    if path is not None and named.get("channel_id") and named.get("message_id"):
        yield named.get("guild_id"), named["channel_id"], named["message_id"], json.dumps(path)
    for holder, outer in ((metadata, []), (forward, ["forward"])):
        for name in ("embeds", "components"):
            for number, part in enumerate(holder.get(name) or []):
                for ids in LINK.findall(json.dumps(part)):
                    yield (*ids, json.dumps([*outer, name, number], separators=(",", ":")))
