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


def upgrade() -> None:
    """Add what this revision brings."""
    _add_ends_of_channels()


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
