"""What the platform tells while it is connected, what was missed meanwhile, and reading it again.

Revision ID: 0003
Revises: 0002
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The types as they were when this was written: a migration never follows the program's own definitions.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.Text().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Add the columns and the tables; on SQLite the table of jobs is rebuilt, for it cannot change a constraint."""
    op.add_column("tenants", sa.Column("audit_requested_at", TIME))
    op.add_column("tenants", sa.Column("audited_at", TIME))
    op.add_column("channels", sa.Column("unseen_since", TIME))
    op.execute(
        "UPDATE channels SET unseen_since = skipped_since WHERE EXISTS"
        " (SELECT 1 FROM sync_progress p WHERE p.channel_id = channels.id AND p.last_message_id IS NOT NULL)"
    )
    _stale_totals()
    _audit_jobs()
    _live_state_and_gaps()
    _repairs()
    _forgotten_users()


def _stale_totals() -> None:
    op.add_column("reaction_totals", sa.Column("is_stale", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_reaction_totals_pending", "reaction_totals")
    op.create_index(
        "ix_reaction_totals_pending",
        "reaction_totals",
        [
            *("channel_id", "message_id", "emoji_key"),
            *("count", "burst_count", "fetched_count", "fetched_burst_count", "is_stale"),
        ],
        sqlite_where=sa.text("fetched_count IS NOT count OR fetched_burst_count IS NOT burst_count OR is_stale = 1"),
        postgresql_where=sa.text(
            "fetched_count IS DISTINCT FROM count OR fetched_burst_count IS DISTINCT FROM burst_count OR is_stale"
        ),
    )


def _audit_jobs() -> None:
    kinds = "kind IN ('initial', 'scheduled', 'manual', 'audit')"
    if op.get_context().dialect.name == "sqlite":
        with op.batch_alter_table("sync_jobs", copy_from=_jobs(kinds), recreate="always"):
            pass
        return
    op.drop_constraint(op.f("ck_sync_jobs_kind"), "sync_jobs")
    op.create_check_constraint(op.f("ck_sync_jobs_kind"), "sync_jobs", kinds)


def _jobs(kinds: str) -> sa.Table:
    unfinished = sa.text("status IN ('queued', 'running')")
    table = sa.Table(
        "sync_jobs",
        sa.MetaData(),
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_after", TIME, nullable=False),
        sa.Column("owner", sa.Text()),
        sa.Column("lease_until", TIME),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("totals", JSON, nullable=False),
        sa.Column("error", JSON),
        *_audit(),
        sa.PrimaryKeyConstraint("id", name="pk_sync_jobs"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_sync_jobs_tenant_id", ondelete="CASCADE"),
        sa.CheckConstraint(kinds, name=op.f("ck_sync_jobs_kind")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'rate_limited', 'cancelled')",
            name=op.f("ck_sync_jobs_status"),
        ),
    )
    sa.Index("ix_sync_jobs_tenant_id_id", table.c.tenant_id, table.c.id)
    sa.Index("uq_sync_jobs_unfinished", table.c.tenant_id, unique=True, sqlite_where=unfinished)
    return table


def _live_state_and_gaps() -> None:
    op.create_table(
        "live_state",
        sa.Column("platform", ID, nullable=False),
        sa.Column("owner", ID),
        sa.Column("lease_until", TIME),
        sa.Column("alive_at", TIME),
        *_audit(),
        sa.PrimaryKeyConstraint("platform", name="pk_live_state"),
    )
    op.create_table(
        "sync_gaps",
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("planned_at", TIME),
        sa.Column("repaired_at", TIME),
        *_audit(),
        sa.PrimaryKeyConstraint("id", name="pk_sync_gaps"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_sync_gaps_tenant_id", ondelete="CASCADE"),
        sa.CheckConstraint(
            "reason IN ('process_down', 'session_lost', 'takeover', 'outage', 'left', 'stopped')",
            name=op.f("ck_sync_gaps_reason"),
        ),
    )
    op.create_index("ix_sync_gaps_tenant_id", "sync_gaps", ["tenant_id"])
    is_open = sa.text("ended_at IS NULL")
    op.create_index(
        "uq_sync_gaps_open", "sync_gaps", ["tenant_id"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )


def _repairs() -> None:
    op.create_table(
        "repairs",
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False),
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after_id", ID),
        sa.Column("until_id", ID, nullable=False),
        *_outcome(),
        *_audit(),
        sa.PrimaryKeyConstraint("id", name="pk_repairs"),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name="fk_repairs_channel_id", ondelete="CASCADE"),
        sa.UniqueConstraint("channel_id", "kind", "until_id", name="uq_repairs_channel_id_kind_until_id"),
        sa.CheckConstraint("kind IN ('look_again', 'gap', 'audit')", name=op.f("ck_repairs_kind")),
    )
    op.create_table(
        "channel_audits",
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("audited_at", TIME, nullable=False),
        *_outcome(),
        sa.Column("platform_count", sa.Integer()),
        *_audit(),
        sa.PrimaryKeyConstraint("channel_id", name="pk_channel_audits"),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_channel_audits_channel_id", ondelete="CASCADE"
        ),
    )


def _forgotten_users() -> None:
    op.create_table(
        "forgotten_users",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("user_hash", ID, nullable=False),
        sa.Column("forgotten_at", TIME, nullable=False),
        *_audit(),
        sa.PrimaryKeyConstraint("tenant_id", "user_hash", name="pk_forgotten_users"),
    )


def _outcome() -> tuple[sa.Column[Any], ...]:
    names = ("stored", "seen", "missing", "changed", "deleted")
    return tuple(sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")) for name in names)


def _audit() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("created_at", TIME, nullable=False), sa.Column("updated_at", TIME, nullable=False)
