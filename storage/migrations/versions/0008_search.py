"""Note how far the index for searching is. The index itself is made at start, as the configuration wants it.

Revision ID: search
Revises: reading
"""

import sqlalchemy as sa
from alembic import op

revision = "search"
down_revision = "reading"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KIND = "By what a message is found: words, or trigrams (parts of words)."
FROM = "Internal: from which messages.id on all are in the index; 0: every one is."
BEGAN = "Internal: from which messages.id indexing went down."
READY = "Since when every message can be found; null: it is still being built."


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "search_index",
        sa.Column("name", ID, nullable=False, comment="What is indexed: messages."),
        sa.Column("kind", sa.Text(), nullable=False, comment=KIND),
        sa.Column("indexed_from", sa.BigInteger(), nullable=False, comment=FROM),
        sa.Column("began_at_id", sa.BigInteger(), nullable=False, comment=BEGAN),
        sa.Column("ready_at", TIME, comment=READY),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint("kind IN ('words', 'trigrams')", name=op.f("ck_search_index_kind")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_search_index")),
        comment="How far the index for searching is. Without a row there is no index.",
    )
