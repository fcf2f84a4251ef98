"""Rows by their keys: many of them in one statement, with all keys in one JSON text."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Delete, FromClause, Table, and_, delete, select, tuple_

from storage.sql.json_rows import json_objects, types_of
from storage.sql.json_text import dump_json


def joined_by_key(table: Table, key: Sequence[str]) -> FromClause:
    """Join a table with the keys in the parameter ``keys``, as ``as_keys`` writes them.

    Args:
        table: the table.
        key: names of columns; their rows are looked up by an index, if there is one that begins with them.
    """
    keys = json_objects("keys", **types_of(table, key))
    return keys.join(table, and_(*(table.c[name] == keys.c[name] for name in key)))


def delete_by_key(table: Table, key: Sequence[str]) -> Delete:
    """Build the deletion of the rows with the keys in the parameter ``keys``."""
    keys = json_objects("keys", **types_of(table, key))
    return delete(table).where(tuple_(*(table.c[name] for name in key)).in_(select(keys)))


def as_keys(key: Sequence[str], values: Iterable[tuple[object, ...]]) -> str:
    """Write the values of keys as the JSON array of objects that the statements take."""
    return dump_json([dict(zip(key, each, strict=True)) for each in values])
