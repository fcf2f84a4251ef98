"""What the change feed is read from: which messages were changed, in an order in which nothing appears belatedly.

Triggers (in the migrations) note each change in ``change_queue``, in its own transaction; on SQLite new messages need
none (storage/changes/new_messages.py). A transaction of its own then moves what has been committed to
``message_changes`` and gives it positions (storage/changes). A change of one message has one id as its first and its
last; messages of a channel that were stored together are one row. The ids of a row are compared as text, and those of
new messages are of one length.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Table, Text, UniqueConstraint, literal_column

from storage.sql import Id, RowId
from storage.tables.common import metadata, one_of, timestamp_columns

_KEY = ("channel_id", "first_message_platform_id", "last_message_platform_id", "kind")
_KIND = "created, edited, deleted (its mark was set or removed), attachments or reactions (their counts)."


def _columns() -> tuple[Column[object], ...]:
    return (
        Column("channel_id", RowId, nullable=False, comment="The channel of the messages."),
        Column("kind", Text, nullable=False, comment=_KIND),
        Column("first_message_platform_id", Id, nullable=False, comment="The first of the messages, by its id."),
        Column("last_message_platform_id", Id, nullable=False, comment="The last of them."),
    )


change_feeds = Table(
    "change_feeds",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id", ondelete="CASCADE"), primary_key=True, comment="The community."),
    Column("bound", BigInteger, nullable=False, comment="Nothing can appear any more at a position up to it."),
    Column(
        "starts_anew_below",
        BigInteger,
        nullable=False,
        server_default=literal_column("0"),
        comment="The bound when messages were last deleted from the archive: who was told a place before starts anew.",
    ),
    *timestamp_columns(),
    comment="How far the changes of a community have positions.",
)

message_changes = Table(
    "message_changes",
    metadata,
    Column("tenant_id", Id, primary_key=True, comment="The community."),
    Column("position", BigInteger, primary_key=True, autoincrement=False, comment="Its place in the feed of changes."),
    *_columns(),
    UniqueConstraint(*_KEY, name="uq_message_changes_messages"),
    one_of("kind", "created", "edited", "deleted", "attachments", "reactions"),
    sqlite_with_rowid=False,
    comment="The newest change of each kind to a message, or to messages that were stored together; not what it was.",
)

change_queue = Table(
    "change_queue",
    metadata,
    Column("id", RowId, Identity(), primary_key=True, comment="Internal: our id of the entry."),
    *_columns(),
    comment="Internal: changes that have no position yet.",
)
