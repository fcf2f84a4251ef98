"""What later releases add to the baseline so that nothing is believed without proof.

Revision ID: proofs
Revises: baseline
"""

import sqlalchemy as sa
from alembic import op

revision = "proofs"
down_revision = "baseline"
branch_labels = None
depends_on = None

TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add what this revision brings."""
    _add_hiding_of_channels()
    _rank_jobs_by_time()
    _count_messages_by_job()
    _add_ends_of_channels()
    _add_listings_of_threads()


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
    op.execute(
        "UPDATE sync_progress SET is_read_to_end = true WHERE state = 'complete'"
        " AND channel_id IN (SELECT id FROM channels WHERE head_platform_id IS NOT NULL)"
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
