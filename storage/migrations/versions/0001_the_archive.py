"""The archive's tables.

Revision ID: 0001
Revises:
"""

from typing import Any

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


def _audit() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return sa.Column("created_at", TIME, nullable=False), sa.Column("updated_at", TIME, nullable=False)


def upgrade() -> None:
    """Create everything."""
    _settings_and_tenants()
    _channels()
    _messages()
    _what_hangs_on_messages()
    _jobs()
    _progress()


def _settings_and_tenants() -> None:
    op.create_table(
        "archive_settings",
        sa.Column("name", ID, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        *_audit(),
        sa.PrimaryKeyConstraint("name", name="pk_archive_settings"),
    )
    op.create_table(
        "tenants",
        sa.Column("id", ID, nullable=False),
        sa.Column("platform", ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("sync_status", sa.Text(), nullable=False),
        sa.Column("last_sync_at", TIME),
        sa.Column("last_successful_sync_at", TIME),
        sa.Column("not_before", TIME),
        sa.Column("metadata", JSON, nullable=False),
        *_audit(),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
        sa.UniqueConstraint("platform", "platform_id", name="uq_tenants_platform_platform_id"),
        sa.CheckConstraint(
            "sync_status IN ('pending', 'syncing', 'ok', 'partial', 'failed', 'rate_limited', 'disconnected')",
            name=op.f("ck_tenants_sync_status"),
        ),
    )


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("id", ROW_ID, sa.Identity(), nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("parent_id", ROW_ID),
        sa.Column("name", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sync_state", sa.Text(), nullable=False),
        sa.Column("skip_reason", sa.Text()),
        sa.Column("skipped_since", TIME),
        sa.Column("own_skip_reason", sa.Text()),
        sa.Column("head_id", ID),
        sa.Column("thread_cursor", JSON),
        sa.Column("metadata", JSON, nullable=False),
        *_audit(),
        sa.PrimaryKeyConstraint("id", name="pk_channels"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_channels_tenant_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["parent_id"], ["channels.id"], name="fk_channels_parent_id", ondelete="SET NULL"),
        sa.UniqueConstraint("tenant_id", "platform_id", name="uq_channels_tenant_id_platform_id"),
        sa.UniqueConstraint("tenant_id", "id", name="uq_channels_tenant_id_id"),
        sa.CheckConstraint(
            "sync_state = CASE WHEN skip_reason IS NULL THEN 'archived' ELSE 'skipped' END"
            " AND (skip_reason IS NULL) = (skipped_since IS NULL)",
            name=op.f("ck_channels_sync_state"),
        ),
    )
    op.create_index("ix_channels_parent_id", "channels", ["parent_id"])


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("author_hash", ID),
        sa.Column("author_kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.Column("edited_at", TIME),
        sa.Column("deleted_at", TIME),
        sa.Column("reply_to_channel_id", ID),
        sa.Column("reply_to_message_id", ID),
        sa.Column("reply_to_author_hash", ID),
        sa.Column("metadata", JSON, nullable=False),
        *_audit(),
        sa.PrimaryKeyConstraint("channel_id", "platform_id", name="pk_messages"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name="fk_messages_tenant_id_channel_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_messages_tenant_id_sent_at", "messages", ["tenant_id", "sent_at"])
    op.create_index("ix_messages_author_hash", "messages", ["author_hash"])
    is_reply = sa.text("reply_to_message_id IS NOT NULL")
    op.create_index(
        "ix_messages_reply_to_message_id",
        "messages",
        ["reply_to_message_id"],
        sqlite_where=is_reply,
        postgresql_where=is_reply,
    )


def _of_message(table: str, *columns: Any) -> None:
    op.create_table(
        table,
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        *columns,
        *_audit(),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=f"fk_{table}_channel_id_message_id",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )


def _what_hangs_on_messages() -> None:
    _of_message(
        "attachments",
        sa.Column("platform_id", ID, nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger()),
        sa.Column("content_type", sa.Text()),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("url_expires_at", TIME),
        sa.Column("metadata", JSON, nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "message_id", "platform_id", name="pk_attachments"),
    )
    _of_message(
        "reaction_totals",
        sa.Column("emoji_key", ID, nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("burst_count", sa.Integer(), nullable=False),
        sa.Column("fetched_count", sa.Integer()),
        sa.Column("fetched_burst_count", sa.Integer()),
        sa.PrimaryKeyConstraint("channel_id", "message_id", "emoji_key", name="pk_reaction_totals"),
    )
    op.create_table(
        "reactions",
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        sa.Column("emoji_key", ID, nullable=False),
        sa.Column("user_hash", ID, nullable=False),
        sa.Column("burst", sa.Boolean(), nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        *_audit(),
        sa.PrimaryKeyConstraint("channel_id", "message_id", "emoji_key", "user_hash", "burst", name="pk_reactions"),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_id", "emoji_key"],
            ["reaction_totals.channel_id", "reaction_totals.message_id", "reaction_totals.emoji_key"],
            name="fk_reactions_channel_id_message_id_emoji_key",
            ondelete="CASCADE",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reactions_user_hash", "reactions", ["user_hash"])


def _jobs() -> None:
    op.create_table(
        "sync_jobs",
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
        sa.CheckConstraint("kind IN ('initial', 'scheduled', 'manual')", name=op.f("ck_sync_jobs_kind")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'rate_limited', 'cancelled')",
            name=op.f("ck_sync_jobs_status"),
        ),
    )
    op.create_index("ix_sync_jobs_tenant_id_id", "sync_jobs", ["tenant_id", "id"])
    unfinished = sa.text("status IN ('queued', 'running')")
    op.create_index(
        "uq_sync_jobs_unfinished",
        "sync_jobs",
        ["tenant_id"],
        unique=True,
        sqlite_where=unfinished,
        postgresql_where=unfinished,
    )


def _progress() -> None:
    op.create_table(
        "sync_progress",
        sa.Column("channel_id", ROW_ID, nullable=False),
        sa.Column("last_message_id", ID),
        sa.Column("last_message_at", TIME),
        sa.Column("empty_head_id", ID),
        sa.Column("messages_archived", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("last_error", JSON),
        sa.Column("last_job_id", ID),
        *_audit(),
        sa.PrimaryKeyConstraint("channel_id", name="pk_sync_progress"),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name="fk_sync_progress_channel_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["last_job_id"], ["sync_jobs.id"], name="fk_sync_progress_last_job_id", ondelete="SET NULL"
        ),
        sa.CheckConstraint("state IN ('syncing', 'complete', 'failed')", name=op.f("ck_sync_progress_state")),
    )
    op.create_index("ix_sync_progress_last_job_id", "sync_progress", ["last_job_id"])
