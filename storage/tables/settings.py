"""Tables of the archive as a whole: its settings, erasures, and which message repeats which."""

from sqlalchemy import Column, ForeignKeyConstraint, Integer, Table, Text, literal_column

from storage.sql import Id, RowId, UtcDateTime
from storage.tables.common import metadata, timestamp_columns

_REMOVED = {
    "messages": "How many messages of the person were emptied.",
    "attachments": "How many files of the person were deleted.",
    "reactions": "How many reactions of the person were deleted.",
    "mentions": "How many messages, files and channels of others named the person.",
}

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
    Column(
        "completed_at",
        UtcDateTime,
        comment="When the files of a SQLite archive were clean, too; else as swept_at.",
    ),
    *(
        Column(name, Integer, nullable=False, server_default=literal_column("0"), comment=comment)
        for name, comment in _REMOVED.items()
    ),
    *timestamp_columns(),
    comment="Of whom nothing is stored any more, on their request.",
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
