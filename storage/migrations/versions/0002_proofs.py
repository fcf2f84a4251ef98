"""What later releases add to the baseline so that nothing is believed without proof.

Revision ID: proofs
Revises: baseline
"""

import re

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "proofs"
down_revision = "baseline"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LINK = re.compile(r"/channels/[0-9]{1,20}/([0-9]{1,20})/([0-9]{1,20})(?![0-9])")  # to a message
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add what this revision brings."""
    _add_hiding_of_channels()
    _rank_jobs_by_time()
    _count_messages_by_job()
    _add_ends_of_channels()
    _name_what_is_set_aside()
    _add_listings_of_threads()
    _follow_wishes()
    _note_copies()
    _note_quotes()
    _index_what_is_looked_for()


def _add_hiding_of_channels() -> None:
    """Add when a channel was last hidden, and let threads follow their channels that one refusal had hidden for ever."""
    comment = "Internal: when it was last told to be hidden or gone: only a listing that began later shows it again."
    op.add_column("channels", sa.Column("hidden_at", TIME, comment=comment))
    op.execute(
        "UPDATE channels SET own_skip_reason = NULL WHERE type = 'thread' AND own_skip_reason = 'bot_lacks_access'"
    )


def _rank_jobs_by_time() -> None:
    """Put a time in the place of fixed priorities, so that what waits gets nearer to the front."""
    comment = "Of those that are due the earliest runs first."
    op.add_column("sync_jobs", sa.Column("rank_at", TIME, comment=comment))
    op.execute("UPDATE sync_jobs SET rank_at = run_after")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("COMMENT ON COLUMN sync_jobs.priority IS 'Internal: no longer used, rank_at is.'")


def _count_messages_by_job() -> None:
    """Count what a job has stored where its checkpoints are, so that no kill comes between the two."""
    comment = "How many of them the job that last worked on it has stored, in all its attempts."
    column = sa.Column("job_messages", sa.BigInteger(), nullable=False, server_default=sa.text("0"), comment=comment)
    op.add_column("sync_progress", column)


def _add_ends_of_channels() -> None:
    """Add whether a channel was read to its end; one whose newest message nobody knows counts as not read."""
    op.add_column(
        "sync_progress",
        sa.Column(
            "is_read_to_end",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="Internal: whether the channel was read to its end since its checkpoint last moved.",
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(
            "sync_progress",
            "deleted_head_platform_id",
            comment="Internal: a newest message by the platform that need not be asked for: the end was read beyond it.",
            existing_comment="Internal: a newest message by the platform that is deleted.",
        )
        op.execute("COMMENT ON COLUMN sync_progress.state IS 'syncing, complete (read to its end) or failed.'")
    op.execute(
        "UPDATE sync_progress SET is_read_to_end = true WHERE state = 'complete'"
        " AND channel_id IN (SELECT id FROM channels WHERE head_platform_id IS NOT NULL)"
    )


def _name_what_is_set_aside() -> None:
    """Keep the names of messages that cannot be stored where no other error of their channel takes their place."""
    comment = "The error that names (message_ids) the messages that the database cannot hold, until it holds them."
    op.add_column(
        "sync_progress",
        sa.Column(
            "set_aside", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment=comment
        ),
    )


def _add_listings_of_threads() -> None:
    """Add when threads were put to rest and which of them no listing shows; the former from what is stored of them."""
    columns = {
        "archived_at": "When a thread was put to rest by the platform; null: it is open.",
        "unlisted_since": "Internal: since when no listing has shown it.",
        "looked_up_at": "Internal: when it was last requested because no listing showed it.",
        "threads_listed_at": (
            "Internal: when its archived threads were listed by a sync that was broken off afterwards."
        ),
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
    """Find deleted messages, and jobs of one status or kind, without reading all the others."""
    deleted = sa.text("deleted_at IS NOT NULL")
    columns = ["tenant_id", "channel_id", "platform_id"]
    op.create_index("ix_messages_deleted", "messages", columns, sqlite_where=deleted, postgresql_where=deleted)
    op.create_index("ix_sync_jobs_status_id", "sync_jobs", ["status", "id"])
    op.create_index("ix_sync_jobs_kind_id", "sync_jobs", ["kind", "id"])


def _follow_wishes() -> None:
    """Add how far each erasure is; those of before are gone through once more, for what copies hold."""
    times = {
        "swept_at": "When no row told of them any more.",
        "completed_at": "When the files of a SQLite archive did not either; else as swept_at.",
    }
    counts = {
        "messages": "How many messages of theirs were emptied.",
        "attachments": "How many files of theirs were deleted.",
        "reactions": "How many reactions of theirs were deleted.",
        "mentions": "How many messages, files and channels of others told of them.",
    }
    for name, comment in times.items():
        op.add_column("erased_users", sa.Column(name, TIME, comment=comment))
    for name, comment in counts.items():
        column = sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"), comment=comment)
        op.add_column("erased_users", column)


def _note_copies() -> None:
    """Add which message repeats which; of those that are stored the reference says it."""
    op.create_table(
        "message_copies",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The channel of the message."),
        sa.Column("message_platform_id", ID, nullable=False, comment="The message that repeats another, by its id."),
        sa.Column("original_channel_platform_id", ID, nullable=False, comment="The other one's channel, by its id."),
        sa.Column("original_message_platform_id", ID, nullable=False, comment="The other one, by its id."),
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
            name=op.f("pk_message_copies"),
        ),
        comment="Internal: which message repeats which, as a forward or a quote, so that an erasure finds it.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_message_copies_original_message_platform_id"), "message_copies", ["original_message_platform_id"]
    )
    at = {"sqlite": "json_extract(metadata, '$.reference.%s')", "postgresql": "metadata #>> '{reference,%s}'"}
    place, message = (at[op.get_bind().dialect.name] % name for name in ("channel_id", "message_id"))
    op.execute(
        "INSERT INTO message_copies SELECT channel_id, platform_id, place, message, created_at, updated_at"  # noqa: S608
        f" FROM (SELECT m.*, {place} AS place, {message} AS message FROM messages m) AS told"
        " WHERE place IS NOT NULL AND message IS NOT NULL"
    )


def _note_quotes() -> None:
    """Add which message may quote which: of those that are stored the links in their embeds and components say it."""
    with_links = sa.text(
        "SELECT id, CAST(metadata AS TEXT) FROM messages WHERE id > :last AND CAST(metadata AS TEXT) LIKE '%/channels/%'"
        " ORDER BY id LIMIT 1000"
    )
    note = sa.text(
        "INSERT INTO message_copies SELECT channel_id, platform_id, :place, :message, created_at, updated_at"
        " FROM messages WHERE id = :id ON CONFLICT DO NOTHING"
    )
    connection, last = op.get_bind(), -1
    while rows := connection.execute(with_links, {"last": last}).all():
        last = rows[-1][0]
        links = {(row_id, *ids) for row_id, metadata in rows for ids in LINK.findall(metadata)}
        if links:
            connection.execute(note, [{"id": i, "place": place, "message": message} for i, place, message in links])
