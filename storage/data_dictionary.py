"""The data dictionary: what every table, view and column means, made from the comments in the code.

``python -m storage.data_dictionary`` writes it to docs/data-dictionary.md.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Column, Dialect, Table
from sqlalchemy.dialects import postgresql

from storage.tables import metadata
from storage.views import VIEWS

_POSTGRES: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
PATH = Path(__file__).parents[1] / "docs" / "data-dictionary.md"

_HEAD = """# Data dictionary

Made from `storage/tables/` and `storage/views.py` by `python -m storage.data_dictionary`; a test holds it to them.
On PostgreSQL the same texts are comments on the tables, views and columns. Types are PostgreSQL's; on SQLite times are
text in UTC (`2026-11-26 17:55:25.000000+00:00`), JSON is text and booleans are 0 and 1. Columns marked "Internal" serve
the sync alone and may change.
"""


def render() -> str:
    """Return the dictionary as Markdown, the tables first."""
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    sections = [_section(table.name, table.comment, "| column | type | meaning |", _columns(table)) for table in tables]
    for view in VIEWS:
        rows = (f"| `{name}` | {_escaped(comment)} |" for name, comment in view.columns.items())
        sections.append(_section(view.name, f"View. {view.comment}", "| column | meaning |", rows))
    return "\n".join([_HEAD, *sections])


def _section(name: str, comment: str | None, head: str, rows: Iterable[str]) -> str:
    rule = "|---" * (head.count("|") - 1) + "|"
    return "\n".join([f"## {name}\n", f"{comment}\n", head, rule, *rows, ""])


def _columns(table: Table) -> Iterator[str]:
    for column in table.columns:
        yield f"| `{column.name}` | {_type(column)} | {_escaped(column.comment or '')} |"


def _type(column: Column[object]) -> str:
    name = str(column.type.compile(_POSTGRES)).partition(" COLLATE")[0].lower()
    if column.primary_key:
        return f"{name}, key"
    return name if column.nullable else f"{name}, not null"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PATH.write_text(render())
