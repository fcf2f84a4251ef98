"""Keep opt-outs: of whom nothing of a time is stored, on their request.

Revision ID: opt_outs
Revises: retention
"""

import sqlalchemy as sa
from alembic import op

revision = "opt_outs"
down_revision = "retention"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
TENANT = "In which community; empty: in every one, so it refers to none."
FROM = "From which time on nothing of what they write is stored; null: nor of what they wrote before."
UNTIL = "Until which time, since they opted in again; null: it still holds."
REMOVED = {
    "messages": "How many messages of the person were emptied.",
    "attachments": "How many files of the person were deleted.",
    "reactions": "How many reactions of the person were deleted.",
    "mentions": "How many messages, files and channels of others named the person.",
}


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "opt_outs",
        sa.Column("tenant_id", ID, nullable=False, comment=TENANT),
        sa.Column("user_hash", ID, nullable=False, comment="The pseudonym of the person who opted out."),
        sa.Column("requested_at", TIME, nullable=False, comment="When it was requested."),
        sa.Column("withheld_from", TIME, comment=FROM),
        sa.Column("withheld_until", TIME, comment=UNTIL),
        sa.Column("swept_at", TIME, comment="When the last row that had to go was emptied or deleted."),
        sa.Column(
            "completed_at", TIME, comment="When the files of a SQLite archive were clean, too; else as swept_at."
        ),
        *(
            sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"), comment=comment)
            for name, comment in REMOVED.items()
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.PrimaryKeyConstraint("tenant_id", "user_hash", "requested_at", name=op.f("pk_opt_outs")),
        comment="Of whom nothing of a time is stored, on their request. The rows stay when they opt in again.",
    )
    holds = sa.text("withheld_until IS NULL")
    op.create_index(
        "uq_opt_outs_holding",
        "opt_outs",
        ["tenant_id", "user_hash"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )
