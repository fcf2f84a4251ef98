"""Removing words from the bytes of SQLite's search index that no message has any more.

The index forgets a word at once, but keeps its bytes in older parts of itself until those are merged with the newer
ones (https://www.sqlite.org/fts5.html#the_merge_command). FTS5's option "secure-delete" would make that needless; it
came with SQLite 3.42, and older versions cannot read what it writes.
"""

from sqlalchemy import Integer, bindparam, text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.tables import MESSAGE_SEARCH

_PAGES = 500
"""How many pages of 4 KiB a transaction merges: hundredths of a second."""

_NOTHING_TO_DO = 2  # changes of a table: by a call that merged nothing there are fewer

_HAS_INDEX = text("SELECT 1 FROM search_index")
_CHANGES = text("SELECT total_changes()")
_MERGE = text(
    f"INSERT INTO {MESSAGE_SEARCH} ({MESSAGE_SEARCH}, rank) VALUES ('merge', :pages)"  # noqa: S608 # no value
).bindparams(bindparam("pages", type_=Integer))


async def merge_search_index(db: Database) -> None:
    """Merge the whole search index, in small transactions. On PostgreSQL there is nothing to do: it vacuums."""
    pages = -_PAGES  # negative: begin with everything there is
    while await _merge_some(db, pages):
        pages = _PAGES


@finish_before_cancel
async def _merge_some(db: Database, pages: int) -> bool:
    """Merge some of the index; return whether there may be more to do."""
    if db.dialect != "sqlite":
        return False
    async with db.writing() as connection:
        if not (await connection.execute(_HAS_INDEX)).first():
            return False
        before = (await connection.execute(_CHANGES)).scalar_one()
        await connection.execute(_MERGE, {"pages": pages})
        after = (await connection.execute(_CHANGES)).scalar_one()
    return bool(after - before >= _NOTHING_TO_DO)
