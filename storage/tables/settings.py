"""What holds for the archive as a whole: how it was begun, and whose erasure holds."""

from sqlalchemy import Column, Table, Text

from storage.sql import Id, UtcDateTime
from storage.tables.common import metadata, timestamp_columns

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
    *timestamp_columns(),
    comment="Of whom nothing is stored any more, on their wish.",
)
