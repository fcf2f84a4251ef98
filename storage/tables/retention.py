"""Up to when a community's messages are kept without what they said."""

from sqlalchemy import BigInteger, Column, ForeignKey, Table, literal_column

from storage.sql import Id, UtcDateTime
from storage.tables.common import metadata, timestamp_columns

content_retention = Table(
    "content_retention",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, comment="Its community."),
    Column(
        "content_before",
        UtcDateTime,
        comment="Of messages sent before, nothing that they said is stored; it never goes back. Null: of none yet.",
    ),
    Column("swept_before", UtcDateTime, comment="Up to when that was removed of what had been stored earlier."),
    Column("cleaned_before", UtcDateTime, comment="As swept_before, but for all bytes of a SQLite archive's files."),
    Column("swept_at", UtcDateTime, comment="When swept_before last reached content_before."),
    Column("observed_at", UtcDateTime, nullable=False, comment="Internal: what the clock said when last looked at."),
    Column(
        "trusted_at", UtcDateTime, comment="Internal: what it said the time before, and no clock set back has denied."
    ),
    Column(
        "messages_left",
        BigInteger,
        nullable=False,
        server_default=literal_column("0"),
        comment="How many messages are still to be looked at.",
    ),
    Column(
        "messages_emptied",
        BigInteger,
        nullable=False,
        server_default=literal_column("0"),
        comment="Of how many messages something was removed after it had been stored.",
    ),
    *timestamp_columns(),
    comment="Up to when a community's messages are kept without content ([retention] content_days).",
)
