"""A row or more in every table, made from the tables themselves: with new tables and columns it grows by itself."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Integer, Table, Text, create_engine, insert

from storage.sql import Id, UtcDateTime
from storage.tables import archive_settings, channels, messages, metadata, unwritten_events

ROWS = 3
UNSTORABLE = "cut\0off"
"""What PostgreSQL cannot store; no write of ours leaves it in SQLite."""
_TEXTS = ('\\N\\.\t\r\n\\x41 "quoted" \'; DROP TABLE', "👩‍👩‍👧‍👦 \u202eright\u202c \ufffd\uffff \U0010ffff", "")
_TIMES = (
    datetime.min.replace(tzinfo=UTC),
    datetime(2026, 11, 28, 1, 2, 3, 4, tzinfo=UTC),
    datetime.max.replace(tzinfo=UTC),
)
_OBJECTS: tuple[Any, ...] = (
    {"": [1, -0.0, 1e22, 2**63 - 1, True, None, {"é\\u0000": "\\u0000"}]},
    {},
    {"text": _TEXTS[1], "small": 5e-324, "deep": [[[[]]]]},
)
_OWN: dict[Table, Callable[[int], dict[str, Any]]] = {
    channels: lambda n: {
        "sync_state": ("archived", "skipped", "archived")[n % ROWS],
        "skip_reason": (None, "no_access", None)[n % ROWS],
        "skipped_since": (None, _TIMES[1], None)[n % ROWS],
        "parent_id": (_id(n + 1), None, None)[n % ROWS],  # a thread that was found before its channel
    },
    unwritten_events: lambda n: {"resolved_at": None, "resolution": None},
}
"""What follows from no type: columns that depend on each other."""


def fill_every_table(url: str, *, messages_in_all: int = ROWS, unstorable: bool = False, are_new: bool = False) -> None:
    """Add rows to every table of a SQLite archive: odd texts and times, nothing at all, ids with gaps.

    ``unstorable`` puts what PostgreSQL cannot store into some of them; with ``are_new`` the feed of changes has not
    numbered the messages yet.
    """
    made: dict[Table, list[dict[str, Any]]] = {}
    engine = create_engine(url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            count = messages_in_all if table is messages else ROWS
            made[table] = [_row(table, n, made) for n in range(count)]
            if unstorable and table is messages:
                made[table][0] |= {"content": UNSTORABLE, "metadata": {UNSTORABLE: [UNSTORABLE]}}
            connection.execute(insert(table), made[table])
        if not are_new:
            newest = str(made[messages][-1]["id"])
            told = {"name": "changes_numbered_id", "value": newest, "created_at": _TIMES[1], "updated_at": _TIMES[1]}
            connection.execute(insert(archive_settings), told)
    engine.dispose()


def _row(table: Table, n: int, made: dict[Table, list[dict[str, Any]]]) -> dict[str, Any]:
    row = {column.name: _value(table, column, n) for column in table.columns}
    for reference in table.foreign_key_constraints:
        if reference.referred_table is not table:
            found = made[reference.referred_table][n % ROWS]
            row |= {e.parent.name: found[e.column.name] for e in reference.elements}
    return row | _OWN.get(table, lambda _: {})(n)


def _value(table: Table, column: Column[Any], n: int) -> Any:
    if column.nullable and n % ROWS == 1:
        return None
    if allowed := _allowed(table, column):
        return allowed[n % len(allowed)]
    if isinstance(column.type, Id):
        return f"{column.name}-{n:06}"
    if isinstance(column.type, UtcDateTime):
        return _TIMES[n % ROWS] if not column.primary_key else _TIMES[1] + timedelta(microseconds=n)
    if isinstance(column.type, JSON):
        return _OBJECTS[n % ROWS]
    if isinstance(column.type, Boolean):
        return n % 2 == 1
    if isinstance(column.type, Text):
        return _TEXTS[n % ROWS]
    assert isinstance(column.type, Integer), f"{column}: how is a value of it made?"
    return _id(n) if column.primary_key else (0, 7, 2**31 - 1)[n % ROWS]


def _id(n: int) -> int:
    return 7 * n + 5


def _allowed(table: Table, column: Column[Any]) -> list[str]:
    """Return the words that a check lets the column hold."""
    for check in table.constraints:
        if isinstance(check, CheckConstraint):
            found = re.fullmatch(rf"{column.name} IN \((.*)\)", str(check.sqltext))
            if found:
                return re.findall("'([^']*)'", found[1])
    return []
