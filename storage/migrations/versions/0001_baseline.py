"""The baseline: every table of the first release. From here on migrations only add.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The types as they were when this was written: a migration never follows the program's own definitions.
ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "archive_settings",
        sa.Column("name", ID, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_archive_settings")),
    )
    op.create_table(
        "erased_users",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("user_hash", ID, nullable=False),
        sa.Column("erased_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "user_hash", name=op.f("pk_erased_users")),
    )
    op.create_table(
        "live_state",
        sa.Column("platform", ID, nullable=False),
        sa.Column("owner", ID, nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("watermark_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("platform", name=op.f("pk_live_state")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", ID, nullable=False),
        sa.Column("platform", ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("sync_status", sa.Text(), nullable=False),
        sa.Column("last_sync_at", TIME, nullable=True),
        sa.Column("last_successful_sync_at", TIME, nullable=True),
        sa.Column("not_before", TIME, nullable=True),
        sa.Column("stopped_at", TIME, nullable=True),
        sa.Column("purged_at", TIME, nullable=True),
        sa.Column("audit_requested_at", TIME, nullable=True),
        sa.Column("audited_at", TIME, nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint(
            "sync_status IN ('pending', 'syncing', 'ok', 'partial', 'failed', 'rate_limited', 'disconnected')",
            name=op.f("ck_tenants_sync_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("platform", "platform_id", name=op.f("uq_tenants_platform_platform_id")),
    )
    op.create_table(
        "channels",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("parent_id", ROW_ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sync_state", sa.Text(), nullable=False),
        sa.Column("skip_reason", sa.Text(), nullable=True),
        sa.Column("skipped_since", TIME, nullable=True),
        sa.Column("own_skip_reason", sa.Text(), nullable=True),
        sa.Column("head_platform_id", ID, nullable=True),
        sa.Column("thread_cursor", JSON, nullable=True),
        sa.Column("unmonitored_since", TIME, nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint(
            "sync_state = CASE WHEN skip_reason IS NULL THEN 'archived' ELSE 'skipped' END AND (skip_reason IS NULL) = (skipped_since IS NULL)",
            name=op.f("ck_channels_sync_state"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["channels.id"], name=op.f("fk_channels_parent_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_channels_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_channels_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "platform_id", name=op.f("uq_channels_tenant_id_platform_id")),
    )
    op.create_index(op.f("ix_channels_parent_id"), "channels", ["parent_id"], unique=False)
    op.create_table(
        "sync_gaps",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("planned_at", TIME, nullable=True),
        sa.Column("repaired_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint(
            "reason IN ('process_down', 'session_lost', 'takeover', 'outage', 'left', 'stopped')",
            name=op.f("ck_sync_gaps_reason"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sync_gaps_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_gaps")),
    )
    op.create_index(op.f("ix_sync_gaps_tenant_id"), "sync_gaps", ["tenant_id"], unique=False)
    op.create_index(
        "uq_sync_gaps_open",
        "sync_gaps",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "sync_jobs",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_after", TIME, nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("queued_at", TIME, nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("totals", JSON, nullable=False),
        sa.Column("error", JSON, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("kind IN ('initial', 'scheduled', 'manual', 'audit')", name=op.f("ck_sync_jobs_kind")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'rate_limited', 'cancelled')",
            name=op.f("ck_sync_jobs_status"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sync_jobs_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_jobs")),
    )
    op.create_index(op.f("ix_sync_jobs_tenant_id_id"), "sync_jobs", ["tenant_id", "id"], unique=False)
    op.create_index(
        "uq_sync_jobs_unfinished",
        "sync_jobs",
        ["tenant_id"],
        unique=True,
        sqlite_where=sa.text("status IN ('queued', 'running')"),
        postgresql_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_table(
        "channel_audits",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("audited_at", TIME, nullable=False),
        sa.Column("stored", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("missing", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("deleted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("platform_count", sa.Integer(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_channel_audits_channel_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_audits")),
    )
    op.create_table(
        "messages",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("author_hash", ID, nullable=True),
        sa.Column("author_kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("edited_at", TIME, nullable=True),
        sa.Column("deleted_at", TIME, nullable=True),
        sa.Column("reply_to_channel_platform_id", ID, nullable=True),
        sa.Column("reply_to_message_platform_id", ID, nullable=True),
        sa.Column("reply_to_author_hash", ID, nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name=op.f("fk_messages_tenant_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("channel_id", "platform_id", name=op.f("uq_messages_channel_id_platform_id")),
    )
    op.create_index(op.f("ix_messages_author_hash"), "messages", ["author_hash"], unique=False)
    op.create_index(
        "ix_messages_reply_to_message_id",
        "messages",
        ["reply_to_message_platform_id"],
        unique=False,
        sqlite_where=sa.text("reply_to_message_platform_id IS NOT NULL"),
        postgresql_where=sa.text("reply_to_message_platform_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_messages_tenant_id_sent_at"), "messages", ["tenant_id", "sent_at"], unique=False)
    op.create_table(
        "refetch_ranges",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False),
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("after_platform_id", ID, nullable=True),
        sa.Column("until_platform_id", ID, nullable=False),
        sa.Column("stored", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("seen", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("missing", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("changed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("deleted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("kind IN ('refetch', 'gap', 'audit')", name=op.f("ck_refetch_ranges_kind")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_refetch_ranges_channel_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refetch_ranges")),
        sa.UniqueConstraint(
            "channel_id", "kind", "until_platform_id", name=op.f("uq_refetch_ranges_channel_id_kind_until_platform_id")
        ),
    )
    op.create_table(
        "sync_progress",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("last_message_platform_id", ID, nullable=True),
        sa.Column("last_message_at", TIME, nullable=True),
        sa.Column("deleted_head_platform_id", ID, nullable=True),
        sa.Column("messages_archived", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_error", JSON, nullable=True),
        sa.Column("last_job_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("state IN ('syncing', 'complete', 'failed')", name=op.f("ck_sync_progress_state")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_sync_progress_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["last_job_id"], ["sync_jobs.id"], name=op.f("fk_sync_progress_last_job_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_sync_progress")),
    )
    op.create_index(op.f("ix_sync_progress_last_job_id"), "sync_progress", ["last_job_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("message_platform_id", ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_expires_at", TIME, nullable=True),
        sa.Column("metadata", JSON, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=op.f("fk_attachments_channel_id_message_platform_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel_id", "message_platform_id", "platform_id", name=op.f("pk_attachments")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reaction_totals",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("message_platform_id", ID, nullable=False),
        sa.Column("emoji_key", ID, nullable=False),
        sa.Column("burst", sa.Boolean(), nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("fetched_count", sa.Integer(), nullable=True),
        sa.Column("uncounted_events", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=op.f("fk_reaction_totals_channel_id_message_platform_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "channel_id", "message_platform_id", "emoji_key", "burst", name=op.f("pk_reaction_totals")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_reaction_totals_pending",
        "reaction_totals",
        ["channel_id", "message_platform_id", "emoji_key", "burst", "count", "fetched_count"],
        unique=False,
        sqlite_where=sa.text("fetched_count IS NOT count"),
        postgresql_where=sa.text("fetched_count IS DISTINCT FROM count"),
    )
    op.create_table(
        "reactions",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("message_platform_id", ID, nullable=False),
        sa.Column("emoji_key", ID, nullable=False),
        sa.Column("burst", sa.Boolean(), nullable=False),
        sa.Column("user_hash", ID, nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id", "emoji_key", "burst"],
            [
                "reaction_totals.channel_id",
                "reaction_totals.message_platform_id",
                "reaction_totals.emoji_key",
                "reaction_totals.burst",
            ],
            name=op.f("fk_reactions_channel_id_message_platform_id_emoji_key_burst"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "channel_id", "message_platform_id", "emoji_key", "burst", "user_hash", name=op.f("pk_reactions")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reactions_user_hash"), "reactions", ["user_hash"], unique=False)
