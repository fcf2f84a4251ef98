"""Note where in a message each copy is, and find the channels that were out of sight by an index.

Revision ID: copies
Revises: proofs
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "copies"
down_revision = "proofs"
branch_labels = None
depends_on = None

ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.Text().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
LINK = re.compile(r"/channels/[0-9]{1,20}/([0-9]{1,20})/([0-9]{1,20})(?![0-9])")  # to a message
COMMENTS = {
    "channels.archived_at": "When the platform archived the thread; null: it is open.",
    "channels.unlisted_since": "Internal: since when it has been missing from all listings.",
    "channels.looked_up_at": "Internal: when it was last requested alone, being in no listing.",
    "channels.threads_listed_at": "Internal: when an interrupted sync listed its archived threads.",
    "channels.hidden_at": "Internal: when it was last reported as hidden or deleted; only a later listing can show it again.",
    "erased_users": "Of whom nothing is stored any more, on their request.",
    "erased_users.swept_at": "When the last row about the person was erased.",
    "erased_users.completed_at": "When the files of a SQLite archive were clean, too; else as swept_at.",
    "erased_users.messages": "How many messages of the person were emptied.",
    "erased_users.attachments": "How many files of the person were deleted.",
    "erased_users.reactions": "How many reactions of the person were deleted.",
    "erased_users.mentions": "How many messages, files and channels of others named the person.",
    "sync_jobs.priority": "Internal: no longer read, rank_at is; written for the release before.",
    "sync_progress.deleted_head_platform_id": "Internal: a head that needs no request while it stays the same: deleted, or read beyond.",
    "sync_progress.is_read_to_end": "Internal: whether it was read to its end since its checkpoint last moved, whatever else of it failed: state cannot say both.",
}
"""What has been described better since."""


def upgrade() -> None:
    """Apply this revision."""
    _note_copies_by_place()
    unmonitored = sa.text("unmonitored_since IS NOT NULL")
    op.create_index(
        "ix_channels_unmonitored", "channels", ["tenant_id"], sqlite_where=unmonitored, postgresql_where=unmonitored
    )
    if op.get_bind().dialect.name == "postgresql":
        for place, comment in COMMENTS.items():
            kind = "COLUMN" if "." in place else "TABLE"
            op.execute(sa.text(f"COMMENT ON {kind} {place} IS '{comment}'"))


def _note_copies_by_place() -> None:
    """Add where in a message each copy is; the rows are made anew from what is stored."""
    op.drop_table("message_copies")
    op.create_table(
        "message_copies",
        sa.Column("channel_id", ROW_ID, autoincrement=False, nullable=False, comment="The channel of the message."),
        sa.Column("message_platform_id", ID, nullable=False, comment="The message that repeats another, by its id."),
        sa.Column("original_channel_platform_id", ID, nullable=False, comment="The other one's channel, by its id."),
        sa.Column("original_message_platform_id", ID, nullable=False, comment="The other one, by its id."),
        sa.Column(
            "path", ID, nullable=False, comment="Where in its metadata, as a JSON array; []: it is one as a whole."
        ),
        sa.Column("created_at", TIME, nullable=False, comment="When this row was first written."),
        sa.Column("updated_at", TIME, nullable=False, comment="When this row was last changed."),
        sa.ForeignKeyConstraint(
            ["channel_id", "message_platform_id"],
            ["messages.channel_id", "messages.platform_id"],
            name=op.f("fk_message_copies_channel_id_message_platform_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "channel_id",
            "message_platform_id",
            "original_channel_platform_id",
            "original_message_platform_id",
            "path",
            name=op.f("pk_message_copies"),
        ),
        comment="Internal: which message repeats which, as a forward or a quote, so that an erasure finds it.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_message_copies_original_message_platform_id"), "message_copies", ["original_message_platform_id"]
    )
    _note_copies_of_stored()


def _note_copies_of_stored() -> None:
    """Note what stored messages repeat: their references say it, and the links in their embeds and components."""
    naming = sa.text(
        "SELECT id, type, CAST(metadata AS TEXT) FROM messages WHERE id > :last"
        " AND (CAST(metadata AS TEXT) LIKE '%/channels/%' OR CAST(metadata AS TEXT) LIKE '%\"reference\"%')"
        " ORDER BY id LIMIT 1000"
    )
    note = sa.text(
        "INSERT INTO message_copies (channel_id, message_platform_id, original_channel_platform_id,"
        " original_message_platform_id, path, created_at, updated_at)"
        " SELECT channel_id, platform_id, :place, :message, :path, created_at, updated_at"
        " FROM messages WHERE id = :id ON CONFLICT DO NOTHING"
    )
    connection, last = op.get_bind(), -1
    while rows := connection.execute(naming, {"last": last}).all():
        last = rows[-1][0]
        names = ("place", "message", "path")
        found = [
            {"id": row_id, **dict(zip(names, copy, strict=True))}
            for row_id, kind, text in rows
            for copy in _copies(kind, json.loads(text))
        ]
        if found:
            connection.execute(note, found)


def _copies(kind: str, metadata: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Find what a message repeats: the original's channel and id, and where the copy is."""
    named, forward = metadata.get("reference") or {}, metadata.get("forward") or {}
    is_whole = (metadata.get("flags") or 0) & 2
    path = [] if is_whole else ["forward"] if forward else ["embeds"] if kind == "poll_result" else None
    if path is not None and named.get("channel_id") and named.get("message_id"):
        yield named["channel_id"], named["message_id"], json.dumps(path)
    for holder, outer in ((metadata, []), (forward, ["forward"])):
        for name in ("embeds", "components"):
            for number, part in enumerate(holder.get(name) or []):
                for ids in LINK.findall(json.dumps(part)):
                    yield (*ids, json.dumps([*outer, name, number], separators=(",", ":")))
