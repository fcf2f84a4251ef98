"""Where a person's hash stands in what others wrote: in the words of SQL, over text and over JSON alike.

64 hexadecimal digits are found by nothing but themselves and need no escaping, so JSON can be treated as text.
``user`` is the statement's parameter.
"""

from typing import Any

from sqlalchemy import JSON, ColumnElement, bindparam, cast, func, literal_column, type_coerce
from sqlalchemy.types import Boolean, Text

from storage.privacy.redaction import FORGOTTEN
from storage.sql import Id, JsonObject

USER = bindparam("user", type_=Id)
_INSTEAD = literal_column(f"'{FORGOTTEN}'", Text)
_POSITION = {"sqlite": func.instr, "postgresql": func.strpos}


def names_user(dialect: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the hash stands in a column."""
    return type_coerce(_POSITION[dialect](_as_text(dialect, column), USER) > 0, Boolean)


def without_user(dialect: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What a column holds, with a word in the place of the hash."""
    replaced = func.replace(_as_text(dialect, column), USER, _INSTEAD)
    if not _is_json(column):
        return replaced
    return type_coerce(replaced, JsonObject) if dialect == "sqlite" else cast(replaced, JsonObject)


def _as_text(dialect: str, column: ColumnElement[Any]) -> ColumnElement[str]:
    """SQLite keeps JSON as text; a cast there could change it."""
    if not _is_json(column):
        return column
    return type_coerce(column, Text) if dialect == "sqlite" else cast(column, Text)


def _is_json(column: ColumnElement[Any]) -> bool:
    return isinstance(column.type, JSON)
