"""Tables of the archive as a whole: its settings, erasures, opt-outs, and which message repeats which."""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Table, Text, literal_column

from storage.sql import Id, RowId, UtcDateTime
from storage.tables.common import metadata, timestamp_columns

_REMOVED = {
    "messages": "How many messages of the person were emptied.",
    "attachments": "How many files of the person were deleted.",
    "reactions": "How many reactions of the person were deleted.",
    "mentions": "How many messages, files and channels of others named the person.",
}
_COMPLETED = "When the files of a SQLite archive were clean, too; else as swept_at."


def _removed_columns() -> tuple[Column[object], ...]:
    return tuple(
        Column(name, Integer, nullable=False, server_default=literal_column("0"), comment=comment)
        for name, comment in _REMOVED.items()
    )


archive_settings = Table(
    "archive_settings",
    metadata,
    Column("name", Id, primary_key=True, comment="The setting's name, such as hash_choice."),
    Column("value", Text, nullable=False, comment="Its value."),
    *timestamp_columns(),
    comment="Choices that an archive is begun with and held to.",
)

erased_users = Table(
    "erased_users",
    metadata,
    Column("tenant_id", Id, primary_key=True, comment="In which community; empty: in every one, so it refers to none."),
    Column("user_hash", Id, primary_key=True, comment="The pseudonym of the erased person."),
    Column("erased_at", UtcDateTime, nullable=False, comment="When the erasure was requested."),
    Column("swept_at", UtcDateTime, comment="When the last row about the person was erased."),
    Column("completed_at", UtcDateTime, comment=_COMPLETED),
    *_removed_columns(),
    *timestamp_columns(),
    comment="Of whom nothing is stored any more, on their request.",
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("tenant_id", Id, primary_key=True, comment="In which community; empty: in every one, so it refers to none."),
    Column("user_hash", Id, primary_key=True, comment="The pseudonym of the person who opted out."),
    Column("requested_at", UtcDateTime, primary_key=True, comment="When it was requested."),
    Column(
        "withheld_from",
        UtcDateTime,
        comment="From which time on nothing of what they write is stored; null: nor of what they wrote before.",
    ),
    Column("withheld_until", UtcDateTime, comment="Until which time, since they opted in again; null: it still holds."),
    Column("swept_at", UtcDateTime, comment="When the last row that had to go was emptied or deleted."),
    Column("completed_at", UtcDateTime, comment=_COMPLETED),
    *_removed_columns(),
    *timestamp_columns(),
    comment="Of whom nothing of a time is stored, on their request. The rows stay when they opt in again.",
)

IS_OPTED_OUT = opt_outs.c.withheld_until.is_(None)
"""The predicate of the index that makes a second opt-out of a person that still holds impossible."""

Index(
    "uq_opt_outs_holding",
    opt_outs.c.tenant_id,
    opt_outs.c.user_hash,
    unique=True,
    sqlite_where=IS_OPTED_OUT,
    postgresql_where=IS_OPTED_OUT,
)

message_copies = Table(
    "message_copies",
    metadata,
    Column("channel_id", RowId, primary_key=True, autoincrement=False, comment="The channel of the message."),
    Column("message_platform_id", Id, primary_key=True, comment="The message that repeats another, by its id."),
    Column("original_channel_platform_id", Id, primary_key=True, comment="The other one's channel, by its id."),
    Column("original_message_platform_id", Id, primary_key=True, index=True, comment="The other one, by its id."),
    Column("path", Id, primary_key=True, comment="Where in its metadata, as a JSON array; []: it is one as a whole."),
    *timestamp_columns(),
    ForeignKeyConstraint(
        ["channel_id", "message_platform_id"], ["messages.channel_id", "messages.platform_id"], ondelete="CASCADE"
    ),
    sqlite_with_rowid=False,
    comment="Internal: which message repeats which, as a forward or a quote, so that an erasure finds it.",
)
