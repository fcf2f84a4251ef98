"""Tenants can be stopped and purged; the reactions whose users are still to be fetched are found by an index.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# The types as they were when this was written: a migration never follows the program's own definitions.
TIME = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add two columns and an index. No table is rebuilt."""
    op.add_column("tenants", sa.Column("stopped_at", TIME))
    op.add_column("tenants", sa.Column("purged_at", TIME))
    op.create_index(
        "ix_reaction_totals_pending",
        "reaction_totals",
        [
            *("channel_id", "message_id", "emoji_key"),
            *("count", "burst_count", "fetched_count", "fetched_burst_count"),
        ],
        sqlite_where=sa.text("fetched_count IS NOT count OR fetched_burst_count IS NOT burst_count"),
        postgresql_where=sa.text(
            "fetched_count IS DISTINCT FROM count OR fetched_burst_count IS DISTINCT FROM burst_count"
        ),
    )
