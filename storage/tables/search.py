"""How far the index for searching is, and the names of what SQLite keeps it in.

The index itself is no table of the migrations: its form follows from the configuration, so it is made at start.
"""

from sqlalchemy import BigInteger, Column, Table, Text

from storage.sql import Id, UtcDateTime
from storage.tables.common import metadata, one_of, timestamp_columns

MESSAGE_SEARCH = "message_search"
"""SQLite's index of the words of messages, a table of FTS5."""

SEARCH_QUEUE = "message_search_queue"
"""On SQLite: which messages were inserted by the transaction that is going on, and are not in the index yet."""

search_index = Table(
    "search_index",
    metadata,
    Column("name", Id, primary_key=True, comment="What is indexed: messages."),
    Column("kind", Text, nullable=False, comment="By what a message is found: words, or trigrams (parts of words)."),
    Column(
        "indexed_from",
        BigInteger,
        nullable=False,
        comment="Internal: from which messages.id on all are in the index; 0: every one is.",
    ),
    Column("began_at_id", BigInteger, nullable=False, comment="Internal: from which messages.id indexing went down."),
    Column("ready_at", UtcDateTime, comment="Since when every message can be found; null: it is still being built."),
    *timestamp_columns(),
    one_of("kind", "words", "trigrams"),
    comment="How far the index for searching is. Without a row there is no index.",
)
