"""Keep up to when a community's messages are kept without what they said.

Revision ID: retention
Revises: changes
"""

import sqlalchemy as sa
from alembic import op

revision = "retention"
down_revision = "changes"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
BEFORE = "Of messages sent before, nothing that they said is stored; it never goes back. Null: of none yet."
SWEPT = "Up to when that was removed of what had been stored earlier."
CLEANED = "As swept_before, but for all bytes of a SQLite archive's files."
SWEPT_AT = "When swept_before last reached content_before."
OBSERVED = "Internal: what the clock said when last looked at."
TRUSTED = "Internal: what it said the time before, and no clock set back has denied."
LEFT = "How many messages are still to be looked at."
EMPTIED = "Of how many messages something was removed after it had been stored."


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "content_retention",
        sa.Column("tenant_id", ID, nullable=False, comment="Its community."),
        sa.Column("content_before", TIME, comment=BEFORE),
        sa.Column("swept_before", TIME, comment=SWEPT),
        sa.Column("cleaned_before", TIME, comment=CLEANED),
        sa.Column("swept_at", TIME, comment=SWEPT_AT),
        sa.Column("observed_at", TIME, nullable=False, comment=OBSERVED),
        sa.Column("trusted_at", TIME, comment=TRUSTED),
        sa.Column("messages_left", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment=LEFT),
        sa.Column("messages_emptied", sa.BigInteger(), server_default=sa.text("0"), nullable=False, comment=EMPTIED),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_content_retention_tenant_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_content_retention")),
        comment="Up to when a community's messages are kept without content ([retention] content_days).",
    )
