"""Keep which processes there are and whose turn it is, and by part of a connection who tells of what.

Revision ID: processes
Revises: listings
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "processes"
down_revision = "listings"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
OBJECT = sa.JSON().with_variant(JSONB(), "postgresql")
HELD = "By platform the parts of its connection that it connects, such as shards."
PART = "The part of the platform's connection, such as a shard: its number and of how many."
EACH_PART = "Which process writes the live events of which part of a platform's connection."
PART_OF_TENANT = "Which part of the platform's connection tells of it, such as a shard; null: not known yet."
EPOCH = "How often it was taken over: what was received before the last time must not be written after it."
WHOLE = "0/1"  # who wrote the events so far did so for a whole platform


def upgrade() -> None:
    """Apply this revision."""
    op.create_table(
        "processes",
        sa.Column("id", ID, nullable=False, comment="The process: its host, its number there, and chance."),
        sa.Column("host", sa.Text(), nullable=False, comment="The name of the machine that it runs on."),
        sa.Column("pid", sa.Integer(), nullable=False, comment="Its number on that machine."),
        sa.Column("version", sa.Text(), nullable=False, comment="The version of the program."),
        sa.Column("address", sa.Text(), comment="Where others reach its HTTP API; null: nowhere."),
        sa.Column("held", OBJECT, nullable=False, comment=HELD),
        sa.Column("started_at", TIME, nullable=False, comment="When it was started."),
        sa.Column(
            "lease_until", TIME, nullable=False, comment="Until when it counts as running, unless it renews that."
        ),
        *timestamps(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processes")),
        comment="The processes that share the archive.",
    )
    op.create_table(
        "turns",
        sa.Column("name", ID, nullable=False, comment="What only one process may do at a time."),
        sa.Column("owner", ID, comment="The process whose turn it is; null: nobody's."),
        sa.Column("held_until", TIME, nullable=False, comment="Until when nobody else may begin."),
        *timestamps(),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turns")),
        comment="Whose turn it is at what the processes may only do one after another.",
    )
    op.add_column("tenants", sa.Column("part", ID, comment=PART_OF_TENANT))
    # SQLite makes the table anew each time.
    with op.batch_alter_table("live_state") as live_state:
        live_state.add_column(sa.Column("part", ID, server_default=WHOLE, nullable=False, comment=PART))
        live_state.add_column(
            sa.Column("epoch", sa.Integer(), server_default=sa.text("0"), nullable=False, comment=EPOCH)
        )
        live_state.drop_constraint("pk_live_state", type_="primary")
        live_state.create_primary_key("pk_live_state", ["platform", "part"])
        live_state.create_table_comment(EACH_PART)
    with op.batch_alter_table("live_state") as live_state:
        live_state.alter_column("part", server_default=None)


def timestamps() -> tuple[sa.Column[object], ...]:
    """Create the columns for when a row was written."""
    return (
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
    )
