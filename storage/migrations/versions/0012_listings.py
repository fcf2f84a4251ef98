"""Keep what a platform says of a channel beside its metadata: its count of messages, from when on it shows them.

Revision ID: listings
Revises: opt_outs
"""

import sqlalchemy as sa
from alembic import op

revision = "listings"
down_revision = "opt_outs"
branch_labels = None
depends_on = None

TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
IS_LISTED = "Internal: whether listings show it."
COUNT = "How many messages it holds by the platform's count; null: unknown."
VISIBLE = "From when on the platform shows messages; null: it shows all."

COUNTS = {
    "postgresql": (
        "UPDATE channels SET message_count = (metadata->>'message_count')::numeric WHERE type = 'thread'"
        " AND jsonb_typeof(metadata->'message_count') = 'number' AND metadata->>'message_count' ~ '^[0-9]{1,9}$'"
    ),
    "sqlite": (
        "UPDATE channels SET message_count = json_extract(metadata, '$.message_count') WHERE type = 'thread'"
        " AND json_type(metadata, '$.message_count') = 'integer'"
        " AND json_extract(metadata, '$.message_count') BETWEEN 0 AND 2147483647"
    ),
}
# A thread whose time of archiving is not known counts as an open one: that costs a request, and misses nothing.
UNKNOWN_TIMES = {
    "postgresql": (
        "UPDATE channels SET archived_at = NULL WHERE archived_at IS NOT NULL AND metadata->>'archive_timestamp' IS NULL"
    ),
    "sqlite": (
        "UPDATE channels SET archived_at = NULL"
        " WHERE archived_at IS NOT NULL AND json_extract(metadata, '$.archive_timestamp') IS NULL"
    ),
}


def upgrade() -> None:
    """Apply this revision."""
    listed: sa.Column[bool] = sa.Column(
        "is_listed", sa.Boolean(), server_default=sa.true(), nullable=False, comment=IS_LISTED
    )
    op.add_column("channels", listed)
    op.add_column("channels", sa.Column("message_count", sa.Integer(), comment=COUNT))
    op.add_column("channels", sa.Column("visible_since", TIME, comment=VISIBLE))
    dialect = op.get_bind().dialect.name
    op.execute(COUNTS[dialect])
    op.execute(UNKNOWN_TIMES[dialect])
