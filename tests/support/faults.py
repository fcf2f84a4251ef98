"""Faults of the database, between any two statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from storage.database import Database


class Killed(Exception):
    """The connection broke before a statement, and the transaction with it."""


@contextmanager
def killed_before(db: Database, *beginnings: str) -> Iterator[None]:
    """Refuse every statement that begins like one of these, as if the process had been killed before it."""

    def refuse(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if " ".join(statement.split()).startswith(beginnings):
            raise Killed(statement)

    engine = db._writer.sync_engine
    event.listen(engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", refuse)
