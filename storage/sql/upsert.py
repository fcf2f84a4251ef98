"""The few words in which the two dialects differ, so that every statement is written once."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Table, or_
from sqlalchemy.dialects import postgresql, sqlite


class Inserter(Protocol):
    """An INSERT that knows ON CONFLICT."""

    def __call__(self, table: Table, /) -> "sqlite.Insert": ...


# PostgreSQL's construct has the same methods as SQLite's; it is typed as that one for want of a common base.
INSERT: Mapping[str, Inserter] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}  # type: ignore[dict-item]


def differs(changes: Iterable[tuple[ColumnElement[Any], ColumnElement[Any]]]) -> ColumnElement[bool]:
    """Whether any stored value is another than the new one. What does not differ is not rewritten."""
    return or_(*(stored.is_distinct_from(new) for stored, new in changes))
