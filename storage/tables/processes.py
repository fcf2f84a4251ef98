"""Tables of the processes that share an archive: which there are, and whose turn it is."""

from sqlalchemy import Column, Integer, Table, Text

from storage.sql import Id, JsonObject, UtcDateTime
from storage.tables.common import metadata, timestamp_columns

processes = Table(
    "processes",
    metadata,
    Column("id", Id, primary_key=True, comment="The process: its host, its number there, and chance."),
    Column("host", Text, nullable=False, comment="The name of the machine that it runs on."),
    Column("pid", Integer, nullable=False, comment="Its number on that machine."),
    Column("version", Text, nullable=False, comment="The version of the program."),
    Column("address", Text, comment="Where others reach its HTTP API; null: nowhere."),
    Column(
        "held",
        JsonObject,
        nullable=False,
        comment="By platform the parts of its connection that it connects, such as shards.",
    ),
    Column("started_at", UtcDateTime, nullable=False, comment="When it was started."),
    Column(
        "lease_until",
        UtcDateTime,
        nullable=False,
        comment="Until when it counts as running, unless it renews that.",
    ),
    *timestamp_columns(),
    comment="The processes that share the archive.",
)

turns = Table(
    "turns",
    metadata,
    Column("name", Id, primary_key=True, comment="What only one process may do at a time."),
    Column("owner", Id, comment="The process whose turn it is; null: nobody's."),
    Column("held_until", UtcDateTime, nullable=False, comment="Until when nobody else may begin."),
    *timestamp_columns(),
    comment="Whose turn it is at what the processes may only do one after another.",
)
