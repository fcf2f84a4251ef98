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
