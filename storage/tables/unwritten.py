"""Live events that could not be written, each until its message was read: a ledger without a word of what they said."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)

from storage.sql import Id, RowId, UtcDateTime
from storage.tables.common import metadata, one_of, timestamp_columns

unwritten_events = Table(
    "unwritten_events",
    metadata,
    Column("id", RowId, Identity(), primary_key=True, comment="Our id of the entry."),
    Column("tenant_id", Id, nullable=False, comment="Its community."),
    Column("channel_id", RowId, nullable=False, comment="The channel of the message."),
    Column("message_platform_id", Id, nullable=False, comment="The message that the event was about, by its id."),
    Column(
        "kind",
        Text,
        nullable=False,
        comment="created, edited, deleted, reactions, invalidated (its message changed, the event did not say how) or "
        "unknown (only the id was kept).",
    ),
    Column("code", Text, nullable=False, comment="Why it could not be written, as a code; of the last try."),
    Column("reason", Text, nullable=False, comment="The same in words. It quotes nothing of the event."),
    Column("tries", Integer, nullable=False, comment="How often writing it, or its message, was tried and failed."),
    Column("first_at", UtcDateTime, nullable=False, comment="When that first failed."),
    Column("last_at", UtcDateTime, nullable=False, comment="When that last failed."),
    Column("resolved_at", UtcDateTime, comment="When its message was settled; null while the entry is open."),
    Column(
        "resolution",
        Text,
        comment="How: stored (read again and stored; who reacted is fetched after that), gone (the platform has it no "
        "longer) or excluded (its channel is not archived any more, or the community was stopped).",
    ),
    *timestamp_columns(),
    ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"], ondelete="CASCADE"),
    one_of("kind", "created", "edited", "deleted", "reactions", "invalidated", "unknown"),
    one_of("resolution", "stored", "gone", "excluded"),
    CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved"),
    Index(None, "tenant_id", "channel_id"),
    comment="A live event that could not be written, and how its message was settled by reading it.",
)

IS_UNRESOLVED = unwritten_events.c.resolved_at.is_(None)
"""The predicate of the index that makes a second open entry of a message and kind impossible."""

Index(
    "uq_unwritten_events_open",
    unwritten_events.c.channel_id,
    unwritten_events.c.message_platform_id,
    unwritten_events.c.kind,
    unique=True,
    sqlite_where=IS_UNRESOLVED,
    postgresql_where=IS_UNRESOLVED,
)
