"""A search reads what it answers with, and no large table whole: by the plans of what is sent."""

import pytest

from storage.database import Database
from storage.search import Field, Filter, Has, IndexKind, Order, SearchQuery, Term, search
from storage.search import walk as walks
from tests.support.filling import SMALL, fill
from tests.support.plans import recorded, whole_reads
from tests.support.searched import index_all, offers_trigrams

TENANT = "discord-1"
LARGE = {"messages", "attachments", "reaction_totals", "reactions", "channels"}
WORD = Term(text="said")
IN_CHANNEL = Filter(field=Field.CHANNEL, value="100")
BY_AUTHOR = Filter(field=Field.AUTHOR, value="a" * 64)
QUERIES = {
    "a word": SearchQuery(terms=(WORD,)),
    "a beginning without a word": SearchQuery(
        terms=(Term(text="sa", is_prefix=True), Term(text="x", is_excluded=True))
    ),
    "a word in a channel": SearchQuery(terms=(WORD,), filters=(IN_CHANNEL,)),
    "a word by an author": SearchQuery(terms=(WORD,), filters=(BY_AUTHOR,)),
    "an author": SearchQuery(filters=(BY_AUTHOR,)),
    "everything": SearchQuery(filters=tuple(Filter(field=Field.HAS, value=has) for has in Has)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["words", "trigrams"])
async def test_no_search_reads_a_large_table_whole(
    db: Database, monkeypatch: pytest.MonkeyPatch, kind: IndexKind
) -> None:
    if kind == "trigrams" and not await offers_trigrams(db):
        return
    await fill(db, SMALL)
    await index_all(db, kind)
    monkeypatch.setattr(walks, "_RARE", 0)
    monkeypatch.setattr(walks, "_FEW_ON_SQLITE", 10)  # so that it looks for something rare, too
    monkeypatch.setattr(walks, "_FEW_ON_POSTGRES", 10)
    found: dict[str, set[str]] = {}
    for name, query in QUERIES.items():
        for order in Order:
            with recorded(db) as sent:
                await search(db, TENANT, query, order=order, limit=5)
            for each in sent:
                async with db.writing() as connection:
                    if "set_config" not in each.statement and (whole := await whole_reads(connection, each) & LARGE):
                        found[f"{name}, {order}: {each.statement}"] = whole
    # Looking messages up by the ids that were found: of so few rows the server rather reads them all.
    found = {statement: tables for statement, tables in found.items() if "json_array_elements" not in statement}
    assert found == {}
