"""How the databases go about a query: its statements as they are sent, and the plan of each."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database
from storage.tables import metadata

_PARTIAL = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["postgresql"].get("where") is not None
}
"""Indexes of what is looked for alone: to read one whole is to read the answer."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement with its parameters, as the driver gets them."""

    statement: str
    parameters: Any


@contextmanager
def recorded(db: Database) -> Iterator[list[Sent]]:
    """Collect what is sent to the database."""
    sent: list[Sent] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
        if re.match(r"\s*(SELECT|WITH|UPDATE|DELETE|INSERT)\b", statement):
            sent.append(Sent(statement, parameters[0] if many else parameters))

    engines = {engine.sync_engine for engine in (db._reader, db._writer, db._asker)}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


async def whole_reads(connection: AsyncConnection, sent: Sent) -> set[str]:
    """Name the tables of which a statement reads every row, or every entry of an index of all rows."""
    if connection.dialect.name == "sqlite":
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sent.statement}", sent.parameters)).all()
        steps = [re.match(r"SCAN (\w+)(?:.* INDEX (\w+))?", row[-1]) for row in plan]
        named = [(step[1], step[2]) for step in steps if step]
    else:
        # Where there is little, reading all of it is quickest: what matters is whether it could be done otherwise.
        for way in ("seqscan", "hashjoin", "mergejoin"):
            await connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        answer = await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sent.statement}", sent.parameters)
        plan = answer.scalar_one()
        named = list(_scans(json.loads(plan) if isinstance(plan, str) else plan))
    return {_table(name, sent.statement) for name, index in named if index not in _PARTIAL}


def _table(name: str, statement: str) -> str:
    """Return the table that a name in a statement is an alias of."""
    found = re.search(rf"\b(\w+) AS {name}\b", statement)
    return found[1] if found and found[1] in metadata.tables else name


def _scans(plan: Any) -> Iterator[tuple[str, str | None]]:
    for node in plan if isinstance(plan, list) else [plan]:
        node = node.get("Plan", node)
        is_scan = node["Node Type"].endswith("Scan") and "Relation Name" in node
        if is_scan and "Index Cond" not in node and "Recheck Cond" not in node:
            yield node["Relation Name"], node.get("Index Name")
        yield from _scans(node.get("Plans", []))
