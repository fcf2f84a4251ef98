"""The baseline: every table and view of the first release. From here on migrations only add.

Revision ID: baseline
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "baseline"
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
        sa.Column("name", ID, nullable=False, comment="The setting's name, such as hash_choice."),
        sa.Column("value", sa.Text(), nullable=False, comment="Its value."),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_archive_settings")),
        comment="Choices that an archive is begun with and held to.",
    )
    op.create_table(
        "erased_users",
        sa.Column(
            "tenant_id", ID, nullable=False, comment="In which community; empty: in every one, so it refers to none."
        ),
        sa.Column("user_hash", ID, nullable=False, comment="The pseudonym of the erased person."),
        sa.Column("erased_at", TIME, nullable=False, comment="When the erasure was requested."),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.PrimaryKeyConstraint("tenant_id", "user_hash", name=op.f("pk_erased_users")),
        comment="Of whom nothing is stored any more, on their wish.",
    )
    op.create_table(
        "live_state",
        sa.Column("platform", ID, nullable=False, comment="The platform's name."),
        sa.Column("owner", ID, nullable=True, comment="The process that writes its live events."),
        sa.Column("lease_until", TIME, nullable=True, comment="Until when it does, unless it renews that."),
        sa.Column("watermark_at", TIME, nullable=True, comment="All events received until then are written."),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.PrimaryKeyConstraint("platform", name=op.f("pk_live_state")),
        comment="Which process writes the live events of a platform.",
    )
    op.create_table(
        "tenants",
        sa.Column("id", ID, nullable=False, comment="<platform>-<platform_id>."),
        sa.Column("platform", ID, nullable=False, comment="The platform's name, such as discord."),
        sa.Column("platform_id", ID, nullable=False, comment="The platform's id of the community."),
        sa.Column("name", sa.Text(), nullable=True, comment="Its name."),
        sa.Column(
            "sync_status", sa.Text(), nullable=False, comment="How its last sync ended, or that one is to come or runs."
        ),
        sa.Column("last_sync_at", TIME, nullable=True, comment="When a sync last ended, however it did."),
        sa.Column(
            "last_successful_sync_at",
            TIME,
            nullable=True,
            comment="When a sync last reached the head of every channel.",
        ),
        sa.Column(
            "not_before",
            TIME,
            nullable=True,
            comment="Internal: no sync begins before, because of the platform's rate limit.",
        ),
        sa.Column("stopped_at", TIME, nullable=True, comment="Since when its administrator has its syncs stopped."),
        sa.Column(
            "purged_at",
            TIME,
            nullable=True,
            comment="When its archive was deleted; the bare row keeps it from coming back.",
        ),
        sa.Column(
            "audit_requested_at", TIME, nullable=True, comment="Since when an audit of all its channels is wanted."
        ),
        sa.Column("audited_at", TIME, nullable=True, comment="When an audit of all its channels was last completed."),
        sa.Column(
            "metadata",
            JSON,
            nullable=False,
            comment="What else the platform says, as docs/discord-mapping.md lists it.",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint(
            "sync_status IN ('pending', 'syncing', 'ok', 'partial', 'failed', 'rate_limited', 'disconnected')",
            name=op.f("ck_tenants_sync_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("platform", "platform_id", name=op.f("uq_tenants_platform_platform_id")),
        comment="A community that is archived: on Discord a guild.",
    )
    op.create_table(
        "channels",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False, comment="Our id of the channel."),
        sa.Column("tenant_id", ID, nullable=False, comment="Its community."),
        sa.Column("platform_id", ID, nullable=False, comment="The platform's id of the channel."),
        sa.Column(
            "parent_id",
            ROW_ID,
            nullable=True,
            comment="The channel that it belongs to: a thread's channel or forum, a channel's category.",
        ),
        sa.Column("name", sa.Text(), nullable=True, comment="Its name, the last that the platform showed."),
        sa.Column("type", sa.Text(), nullable=False, comment="text, thread, forum (holds threads), category or other."),
        sa.Column("sync_state", sa.Text(), nullable=False, comment="archived, or skipped for the reason beside it."),
        sa.Column(
            "skip_reason",
            sa.Text(),
            nullable=True,
            comment="Why it is not read: its own reason, or else for a thread its parent's.",
        ),
        sa.Column("skipped_since", TIME, nullable=True, comment="Since when it is not read; what was archived stays."),
        sa.Column(
            "own_skip_reason",
            sa.Text(),
            nullable=True,
            comment="Internal: what the platform said of this very channel.",
        ),
        sa.Column(
            "head_platform_id",
            ID,
            nullable=True,
            comment="Internal: its newest message by the platform, which may be deleted.",
        ),
        sa.Column(
            "thread_cursor", JSON, nullable=True, comment="Internal: how far its archived threads have been listed."
        ),
        sa.Column(
            "unmonitored_since", TIME, nullable=True, comment="Internal: since when changes may have been missed."
        ),
        sa.Column(
            "metadata",
            JSON,
            nullable=False,
            comment="What else the platform says, as docs/discord-mapping.md lists it.",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
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
        comment="A channel, thread, forum or category of a community, read or not.",
    )
    op.create_index(op.f("ix_channels_parent_id"), "channels", ["parent_id"], unique=False)
    op.create_table(
        "sync_gaps",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False, comment="Our id of the gap."),
        sa.Column("tenant_id", ID, nullable=False, comment="Its community."),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why no events came in."),
        sa.Column("began_at", TIME, nullable=False, comment="Since when events may be missing."),
        sa.Column("ended_at", TIME, nullable=True, comment="Until when; null while it is open."),
        sa.Column(
            "planned_at", TIME, nullable=True, comment="When what to read again for it was put into refetch_ranges."
        ),
        sa.Column("repaired_at", TIME, nullable=True, comment="When that had been read."),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint(
            "reason IN ('process_down', 'session_lost', 'takeover', 'outage', 'left', 'stopped')",
            name=op.f("ck_sync_gaps_reason"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sync_gaps_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_gaps")),
        comment="A time of which live events of a community may be missing.",
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
        sa.Column("id", ID, nullable=False, comment="The job's id; in order of time as text."),
        sa.Column("tenant_id", ID, nullable=False, comment="Its community."),
        sa.Column("kind", sa.Text(), nullable=False, comment="initial, scheduled, manual or audit."),
        sa.Column("status", sa.Text(), nullable=False, comment="queued or running, or how it ended."),
        sa.Column(
            "priority", sa.Integer(), nullable=False, comment="Among jobs that are due the highest number runs first."
        ),
        sa.Column(
            "attempt", sa.Integer(), nullable=False, comment="How often a worker has taken it up: the fencing token."
        ),
        sa.Column("run_after", TIME, nullable=False, comment="When it becomes due."),
        sa.Column("owner", sa.Text(), nullable=True, comment="The worker that runs it, or ran it last."),
        sa.Column(
            "lease_until", TIME, nullable=True, comment="Until when it is that worker's, unless the worker renews it."
        ),
        sa.Column(
            "cancel_requested",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="Whether it is to end soon.",
        ),
        sa.Column("queued_at", TIME, nullable=False, comment="When it was requested."),
        sa.Column("started_at", TIME, nullable=True, comment="When a worker first took it up."),
        sa.Column("finished_at", TIME, nullable=True, comment="When it ended."),
        sa.Column("totals", JSON, nullable=False, comment="What it did, in numbers, over all its attempts."),
        sa.Column("error", JSON, nullable=True, comment="Why it did not succeed: code and message."),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint("kind IN ('initial', 'scheduled', 'manual', 'audit')", name=op.f("ck_sync_jobs_kind")),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'succeeded', 'partial', 'failed', 'rate_limited', 'cancelled')",
            name=op.f("ck_sync_jobs_status"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_sync_jobs_tenant_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_jobs")),
        comment="A sync of a community: waiting, running or ended.",
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
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The channel."),
        sa.Column("audited_at", TIME, nullable=False, comment="When its last audit was completed."),
        sa.Column(
            "stored",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many messages were stored before.",
        ),
        sa.Column(
            "seen",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many messages the platform listed.",
        ),
        sa.Column(
            "missing",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many of them were not stored.",
        ),
        sa.Column(
            "changed",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many of them were stored otherwise.",
        ),
        sa.Column(
            "deleted",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many stored messages the platform no longer has.",
        ),
        sa.Column(
            "platform_count",
            sa.Integer(),
            nullable=True,
            comment="How many messages there are by the platform's own count.",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_channel_audits_channel_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_audits")),
        comment="What the last audit of a channel found.",
    )
    op.create_table(
        "messages",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False, comment="Our id of the message."),
        sa.Column("channel_id", ROW_ID, nullable=False, comment="Its channel or thread."),
        sa.Column("platform_id", ID, nullable=False, comment="The platform's id of the message."),
        sa.Column("tenant_id", ID, nullable=False, comment="Its community."),
        sa.Column(
            "author_hash", ID, nullable=True, comment="The pseudonym of who wrote it; null where unknown or erased."
        ),
        sa.Column("author_kind", sa.Text(), nullable=False, comment="user, bot, webhook or system."),
        sa.Column(
            "content", sa.Text(), nullable=False, comment="Its text; people in it are named by their pseudonyms."
        ),
        sa.Column(
            "type", sa.Text(), nullable=False, comment="The platform's kind of message, such as default or reply."
        ),
        sa.Column("sent_at", TIME, nullable=False, comment="When it was sent."),
        sa.Column("edited_at", TIME, nullable=True, comment="When its author last edited it."),
        sa.Column(
            "deleted_at",
            TIME,
            nullable=True,
            comment="Since when it is known to be deleted on the platform; the row stays.",
        ),
        sa.Column(
            "reply_to_channel_platform_id", ID, nullable=True, comment="The channel of the message that it answers."
        ),
        sa.Column(
            "reply_to_message_platform_id",
            ID,
            nullable=True,
            comment="The message that it answers, which need not be archived.",
        ),
        sa.Column(
            "reply_to_author_hash",
            ID,
            nullable=True,
            comment="The pseudonym of who wrote that one, where the platform said it.",
        ),
        sa.Column(
            "metadata",
            JSON,
            nullable=False,
            comment="What else the platform says, as docs/discord-mapping.md lists it.",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["tenant_id", "channel_id"],
            ["channels.tenant_id", "channels.id"],
            name=op.f("fk_messages_tenant_id_channel_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("channel_id", "platform_id", name=op.f("uq_messages_channel_id_platform_id")),
        comment="A message. Deleted ones stay, with their deleted_at.",
    )
    op.create_index(op.f("ix_messages_author_hash"), "messages", ["author_hash"], unique=False)
    op.create_index(
        "ix_messages_reply_to_message_platform_id",
        "messages",
        ["reply_to_message_platform_id"],
        unique=False,
        sqlite_where=sa.text("reply_to_message_platform_id IS NOT NULL"),
        postgresql_where=sa.text("reply_to_message_platform_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_messages_tenant_id_sent_at"), "messages", ["tenant_id", "sent_at"], unique=False)
    op.create_table(
        "refetch_ranges",
        sa.Column("id", ROW_ID, sa.Identity(always=False), nullable=False, comment="Our id of the range."),
        sa.Column("channel_id", ROW_ID, nullable=False, comment="The channel."),
        sa.Column("kind", sa.Text(), nullable=False, comment="refetch (single messages), gap or audit."),
        sa.Column(
            "after_platform_id",
            ID,
            nullable=True,
            comment="The cursor, exclusive: everything up to it has been read again.",
        ),
        sa.Column("until_platform_id", ID, nullable=False, comment="The last message of the range, inclusive."),
        sa.Column(
            "seen",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many messages the platform listed.",
        ),
        sa.Column(
            "missing",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many of them were not stored.",
        ),
        sa.Column(
            "changed",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many of them were stored otherwise.",
        ),
        sa.Column(
            "deleted",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many stored messages the platform no longer has.",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint("kind IN ('refetch', 'gap', 'audit')", name=op.f("ck_refetch_ranges_kind")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_refetch_ranges_channel_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refetch_ranges")),
        sa.UniqueConstraint(
            "channel_id", "kind", "until_platform_id", name=op.f("uq_refetch_ranges_channel_id_kind_until_platform_id")
        ),
        comment="Messages of a channel that are to be read again.",
    )
    op.create_table(
        "sync_progress",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The channel."),
        sa.Column(
            "last_message_platform_id",
            ID,
            nullable=True,
            comment="The checkpoint: everything up to this message is stored.",
        ),
        sa.Column("last_message_at", TIME, nullable=True, comment="When that message was sent."),
        sa.Column(
            "deleted_head_platform_id",
            ID,
            nullable=True,
            comment="Internal: a newest message by the platform that is deleted.",
        ),
        sa.Column(
            "messages_archived", sa.BigInteger(), nullable=False, comment="How many messages were stored up to there."
        ),
        sa.Column("state", sa.Text(), nullable=False, comment="syncing, complete (up to its head) or failed."),
        sa.Column("last_error", JSON, nullable=True, comment="Why it is not complete: code, message, at and attempts."),
        sa.Column("last_job_id", ID, nullable=True, comment="The job that last worked on it."),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.CheckConstraint("state IN ('syncing', 'complete', 'failed')", name=op.f("ck_sync_progress_state")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_sync_progress_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["last_job_id"], ["sync_jobs.id"], name=op.f("fk_sync_progress_last_job_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_sync_progress")),
        comment="How far a channel is archived.",
    )
    op.create_index(op.f("ix_sync_progress_last_job_id"), "sync_progress", ["last_job_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The message's channel."),
        sa.Column("message_platform_id", ID, nullable=False, comment="The message's id by the platform."),
        sa.Column("platform_id", ID, nullable=False, comment="The platform's id of the file."),
        sa.Column("filename", sa.Text(), nullable=False, comment="Its name."),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True, comment="Its size in bytes."),
        sa.Column("content_type", sa.Text(), nullable=True, comment="Its media type, such as image/png."),
        sa.Column("url", sa.Text(), nullable=False, comment="Where the platform serves it. Files are not downloaded."),
        sa.Column("url_expires_at", TIME, nullable=True, comment="Until when that address works."),
        sa.Column(
            "metadata",
            JSON,
            nullable=False,
            comment="What else the platform says, as docs/discord-mapping.md lists it.",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=op.f("fk_attachments_channel_id_message_platform_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("channel_id", "message_platform_id", "platform_id", name=op.f("pk_attachments")),
        comment="A file that hangs on a message.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reaction_totals",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The message's channel."),
        sa.Column("message_platform_id", ID, nullable=False, comment="The message's id by the platform."),
        sa.Column("emoji_key", ID, nullable=False, comment="The emoji's character, or the id of a custom one."),
        sa.Column("burst", sa.Boolean(), nullable=False, comment="Whether it was given as a burst (a super reaction)."),
        sa.Column(
            "emoji", sa.Text(), nullable=False, comment="The character, or <:name:id>, <a:name:id> where animated."
        ),
        sa.Column(
            "count", sa.Integer(), nullable=False, comment="How often it was given, by the platform's last word."
        ),
        sa.Column(
            "fetched_count",
            sa.Integer(),
            nullable=True,
            comment="The count at which its users were last fetched; another one than count: they are to be fetched.",
        ),
        sa.Column(
            "uncounted_events",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Internal: events that changed the count by an unknown number since (docs/decisions/0010).",
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=op.f("fk_reaction_totals_channel_id_message_platform_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "channel_id", "message_platform_id", "emoji_key", "burst", name=op.f("pk_reaction_totals")
        ),
        comment="How often one emoji was given to one message, in one kind: normally or as a burst.",
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
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The message's channel."),
        sa.Column("message_platform_id", ID, nullable=False, comment="The message's id by the platform."),
        sa.Column("emoji_key", ID, nullable=False, comment="The emoji's character, or the id of a custom one."),
        sa.Column("burst", sa.Boolean(), nullable=False, comment="Whether it was given as a burst (a super reaction)."),
        sa.Column("user_hash", ID, nullable=False, comment="The pseudonym of who gave it."),
        sa.Column(
            "emoji", sa.Text(), nullable=False, comment="The character, or <:name:id>, <a:name:id> where animated."
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
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
        comment="Who gave an emoji to a message.",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_reactions_user_hash"), "reactions", ["user_hash"], unique=False)
    connection = op.get_bind()
    dialect = connection.dialect.name
    for name, (comment, columns, query) in VIEWS.items():
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {query.format(day=DAY[dialect])}")
        if dialect == "postgresql":
            connection.exec_driver_sql(f"COMMENT ON VIEW {name} IS {quoted(comment)}")
            for column, meaning in columns.items():
                connection.exec_driver_sql(f"COMMENT ON COLUMN {name}.{column} IS {quoted(meaning)}")


def quoted(text: str) -> str:
    """A text as SQL."""
    return "'" + text.replace("'", "''") + "'"


DAY = {"sqlite": "substr(m.sent_at, 1, 10)", "postgresql": "to_char(m.sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')"}
VIEWS: dict[str, tuple[str, dict[str, str], str]] = {
    "readable_messages": (
        "Every message with where it was written, what it answers, and how many reactions and files it has.",
        {
            "tenant": "The community's name, or its id where it has none.",
            "channel": "The channel's name; of a thread that of the channel it belongs to.",
            "thread": "The thread's name; null outside of threads.",
            "message_platform_id": "The platform's id of the message.",
            "author": "The first eight digits of the author's pseudonym.",
            "author_kind": "user, bot, webhook or system.",
            "content": "Its text.",
            "sent_at": "When it was sent.",
            "edited_at": "When its author last edited it.",
            "deleted_at": "Since when it is known to be deleted on the platform.",
            "reply_to_message_platform_id": "The message that it answers.",
            "reply_to_author": "The first eight digits of the pseudonym of that one's author.",
            "reactions": "How often people reacted to it, with whatever emoji.",
            "files": "How many files hang on it.",
        },
        """SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread,
    m.platform_id AS message_platform_id,
    substr(m.author_hash, 1, 8) AS author,
    m.author_kind,
    m.content,
    m.sent_at,
    m.edited_at,
    m.deleted_at,
    m.reply_to_message_platform_id,
    substr(m.reply_to_author_hash, 1, 8) AS reply_to_author,
    (SELECT coalesce(sum(r.count), 0) FROM reaction_totals r
      WHERE r.channel_id = m.channel_id AND r.message_platform_id = m.platform_id) AS reactions,
    (SELECT count(*) FROM attachments a
      WHERE a.channel_id = m.channel_id AND a.message_platform_id = m.platform_id) AS files
  FROM messages m
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id""",
    ),
    "readable_threads": (
        "Every thread that has messages, with how many by how many people, from when to when.",
        {
            "tenant": "The community's name, or its id where it has none.",
            "channel": "The channel's name; of a thread that of the channel it belongs to.",
            "thread": "The thread's name; null outside of threads.",
            "thread_platform_id": "The platform's id of the thread.",
            "messages": "How many messages it has; deleted ones do not count.",
            "authors": "How many people wrote them.",
            "first_message_at": "When the first one was sent.",
            "last_message_at": "When the last one was sent.",
        },
        """SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread,
    c.platform_id AS thread_platform_id,
    count(*) AS messages,
    count(DISTINCT m.author_hash) AS authors,
    min(m.sent_at) AS first_message_at,
    max(m.sent_at) AS last_message_at
  FROM messages m
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id
  WHERE c.type = 'thread' AND m.deleted_at IS NULL
  GROUP BY c.id, c.platform_id, c.type, c.name, p.name, t.name, t.platform_id""",
    ),
    "readable_reactions": (
        "Who gave which emoji to whose message.",
        {
            "tenant": "The community's name, or its id where it has none.",
            "channel": "The channel's name; of a thread that of the channel it belongs to.",
            "thread": "The thread's name; null outside of threads.",
            "message_platform_id": "The platform's id of the message.",
            "author": "The first eight digits of the author's pseudonym.",
            "emoji": "The character, or <:name:id>, <a:name:id> where animated.",
            "burst": "Whether it was given as a burst (a super reaction).",
            "given_by": "The first eight digits of the pseudonym of who gave it.",
            "first_seen_at": "When the archive learnt of it.",
        },
        """SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    CASE WHEN c.type = 'thread' THEN c.name END AS thread,
    m.platform_id AS message_platform_id,
    substr(m.author_hash, 1, 8) AS author,
    r.emoji,
    r.burst,
    substr(r.user_hash, 1, 8) AS given_by,
    r.created_at AS first_seen_at
  FROM reactions r
    JOIN messages m ON m.channel_id = r.channel_id AND m.platform_id = r.message_platform_id
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id""",
    ),
    "daily_activity": (
        "How many messages by how many people on each day, channel by channel.",
        {
            "tenant": "The community's name, or its id where it has none.",
            "channel": "The channel's name; messages of its threads count as its own.",
            "day": "The day in UTC, as 2026-11-26.",
            "messages": "How many messages were sent; deleted ones do not count.",
            "authors": "How many people sent them.",
        },
        """SELECT
    coalesce(t.name, t.platform_id) AS tenant,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END AS channel,
    {day} AS day,
    count(*) AS messages,
    count(DISTINCT m.author_hash) AS authors
  FROM messages m
    JOIN channels c ON c.id = m.channel_id
    JOIN tenants t ON t.id = c.tenant_id
    LEFT JOIN channels p ON p.id = c.parent_id
  WHERE m.deleted_at IS NULL
  GROUP BY t.id, t.name, t.platform_id, CASE WHEN c.type = 'thread' THEN p.id ELSE c.id END,
    CASE WHEN c.type = 'thread' THEN p.name ELSE c.name END, {day}""",
    ),
}
