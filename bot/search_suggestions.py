"""What may be typed next into the search box: filters, their values, channels and people."""

import re
from dataclasses import dataclass

from bot.search_query import OPERATORS
from storage.database import Database
from storage.search import Has, suggest_authors, suggest_channels

MOST = 10

_LAST_PART = re.compile(r'(?P<minus>-?)(?P<typed>(?:[A-Za-z]+:)?"?[^\s"]*|[A-Za-z]+:"[^"]*)$')
_PLACES = {"in": ("text", "forum", "category"), "channel": ("text", "forum", "category"), "thread": ("thread",)}
_PEOPLE = frozenset({"from", "author", "mentions"})
_VALUES = {
    "has": tuple(has.value for has in Has),
    "is": ("deleted", "edited", "pinned"),
    "deleted": ("true", "any"),
    "edited": ("true", "false"),
    "pinned": ("true", "false"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One continuation of what was typed."""

    text: str  # the whole query as it would be
    meaning: str


async def suggest(db: Database, tenant_id: str, typed: str) -> list[Suggestion]:
    """Suggest continuations of a query's last word or filter.

    Raises:
        QueryTooLong: the database is busy.
    """
    last = _LAST_PART.search(typed)
    assert last is not None  # noqa: S101 # each of its parts may be empty
    before, part = typed[: last.start()] + last["minus"], last["typed"]
    key, colon, value = part.partition(":")
    if not colon:
        names = [name for name in OPERATORS if name.startswith(key.lower())]
        return [Suggestion(text=f"{before}{name}:", meaning=OPERATORS[name].meaning) for name in names][:MOST]
    values = await _values(db, tenant_id, key.lower(), value.strip('"'))
    return [Suggestion(text=f"{before}{key}:{_quoted(each)}", meaning=meaning) for each, meaning in values][:MOST]


async def _values(db: Database, tenant_id: str, key: str, beginning: str) -> list[tuple[str, str]]:
    if key in _PLACES:
        names = await suggest_channels(db, tenant_id, beginning, types=_PLACES[key], limit=MOST)
        return [(name, "a thread or post" if key == "thread" else "a channel") for name in names]
    if key in _PEOPLE:
        hashes = await suggest_authors(db, tenant_id, beginning.lstrip("@<"), limit=MOST)
        return [(each[:8], "who wrote lately") for each in hashes]
    return [(value, "") for value in _VALUES.get(key, ()) if value.startswith(beginning.lower())]


def _quoted(value: str) -> str:
    return f'"{value}"' if re.search(r"\s", value) else value
