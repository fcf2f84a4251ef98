"""Keep what could not be written of live events until their messages were read.

Revision ID: unwritten
Revises: tiers
"""

import sqlalchemy as sa
from alembic import op

revision = "unwritten"
down_revision = "tiers"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
KIND = "created, edited, deleted, reactions, invalidated (its message changed, the event did not say how) or unknown (only the id was kept)."
RESOLUTION = "How: stored (read again and stored; who reacted is fetched after that), gone (the platform has it no longer) or excluded (its channel is not archived any more, or the community was stopped)."


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "unwritten_events",
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False, comment="Our id of the entry."),
        sa.Column("tenant_id", ID, nullable=False, comment="Its community."),
        sa.Column("channel_id", ROW_ID, nullable=False, comment="The channel of the message."),
        sa.Column(
            "message_platform_id", ID, nullable=False, comment="The message that the event was about, by its id."
        ),
        sa.Column("kind", sa.Text(), nullable=False, comment=KIND),
        sa.Column(
            "code", sa.Text(), nullable=False, comment="Why it could not be written, as a code; of the last try."
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="The same in words. It quotes nothing of the event."),
        sa.Column(
            "tries", sa.Integer(), nullable=False, comment="How often writing it, or its message, was tried and failed."
        ),
        sa.Column("first_at", TIME, nullable=False, comment="When that first failed."),
        sa.Column("last_at", TIME, nullable=False, comment="When that last failed."),
        sa.Column("resolved_at", TIME, comment="When its message was settled; null while the entry is open."),
        sa.Column("resolution", sa.Text(), comment=RESOLUTION),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint(
            "kind IN ('created', 'edited', 'deleted', 'reactions', 'invalidated', 'unknown')",
            name=op.f("ck_unwritten_events_kind"),
        ),
        sa.CheckConstraint("resolution IN ('stored', 'gone', 'excluded')", name=op.f("ck_unwritten_events_resolution")),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name=op.f("ck_unwritten_events_resolved")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name=op.f("fk_unwritten_events_tenant_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unwritten_events")),
        comment="A live event that could not be written, and how its message was settled by reading it.",
    )
    op.create_index(op.f("ix_unwritten_events_tenant_id_channel_id"), "unwritten_events", ["tenant_id", "channel_id"])
    is_open = sa.text("resolved_at IS NULL")
    op.create_index(
        "uq_unwritten_events_open",
        "unwritten_events",
        ["channel_id", "message_platform_id", "kind"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
