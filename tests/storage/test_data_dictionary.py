"""Every table, view and column has a meaning: in docs/data-dictionary.md, and as a comment on PostgreSQL."""

from sqlalchemy import text

from storage import data_dictionary
from storage.database import Database
from storage.tables import metadata
from storage.views import VIEWS

_COMMENTS = text(
    "SELECT c.relname, coalesce(a.attname, ''), d.description FROM pg_class c"
    " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " LEFT JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'alembic_version'"
    " UNION ALL"
    " SELECT c.relname, '', obj_description(c.oid, 'pg_class') FROM pg_class c"
    " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'alembic_version'"
)


def test_the_file_is_as_the_code_says() -> None:
    hint = "write it again by: python -m storage.data_dictionary"
    assert data_dictionary.PATH.read_text() == data_dictionary.render(), hint


def test_nothing_is_without_a_meaning() -> None:
    meanings = _meanings()
    assert [key for key, meaning in meanings.items() if not (meaning or "").endswith(".")] == []


async def test_on_postgres_they_are_comments(both: tuple[Database, Database]) -> None:
    async with both[1].reading() as connection:
        rows = (await connection.execute(_COMMENTS)).all()
    assert {(name, column): comment for name, column, comment in rows} == _meanings()


def _meanings() -> dict[tuple[str, str], str | None]:
    """By the name of the table or view, and of the column; empty: of the table or view itself."""
    meanings: dict[tuple[str, str], str | None] = {}
    for table in metadata.tables.values():
        meanings[table.name, ""] = table.comment
        meanings |= {(table.name, column.name): column.comment for column in table.columns}
    for view in VIEWS:
        meanings[view.name, ""] = view.comment
        meanings |= {(view.name, column): comment for column, comment in view.columns.items()}
    return meanings
