"""Let a gap's window be read again in two steps: what was sent lately, then what is older.

Revision ID: tiers
Revises: copies
"""

import sqlalchemy as sa
from alembic import op

revision = "tiers"
down_revision = "copies"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KIND = "kind IN ('refetch', 'gap', 'window', 'audit')"
COMMENT = "refetch (single messages), gap (sent since a day before a gap), window (older ones) or audit; in this order."
COUNTS = ("seen", "missing", "changed", "deleted")


def upgrade() -> None:
    """Apply this revision. What is pending after a gap stays as one step, the first."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f("ck_refetch_ranges_kind"), "refetch_ranges", type_="check")
        op.create_check_constraint(op.f("ck_refetch_ranges_kind"), "refetch_ranges", KIND)
        op.execute(sa.text(f"COMMENT ON COLUMN refetch_ranges.kind IS '{COMMENT}'"))
        return
    op.rename_table("refetch_ranges", "refetch_ranges_before")
    _create_table()
    op.execute("INSERT INTO refetch_ranges SELECT * FROM refetch_ranges_before")
    op.drop_table("refetch_ranges_before")


def _create_table() -> None:
    op.create_table(
        "refetch_ranges",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after_platform_id", ID, nullable=True),
        sa.Column("until_platform_id", ID, nullable=False),
        *(sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False) for name in COUNTS),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint(KIND, name=op.f("ck_refetch_ranges_kind")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_refetch_ranges_channel_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refetch_ranges")),
        sa.UniqueConstraint(
            "channel_id", "kind", "until_platform_id", name=op.f("uq_refetch_ranges_channel_id_kind_until_platform_id")
        ),
    )
