"""From the words that are searched for to conditions that each database answers by its index.

What people type reaches the databases as quoted text or as parameters, never as the syntax of their query languages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from sqlalchemy import (
    ColumnElement,
    Integer,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    not_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.types import Text

from storage.messages import PLACE
from storage.search.index import IndexKind
from storage.search.model import Term
from storage.search.postgres_index import PUNCTUATION, WORDS
from storage.sql import PositionOf
from storage.tables import MESSAGE_SEARCH, messages

_SHORTEST_TRIGRAM = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is searched for, in the words of one database."""

    match: str | None  # on SQLite what the index is asked for; None: it can answer nothing of it
    indexed: ColumnElement[bool] | None  # the same on PostgreSQL
    rank: ColumnElement[float] | None  # on PostgreSQL how well a message fits, the higher the better
    others: tuple[ColumnElement[bool], ...]  # what each message has to be looked at for


def words_of(terms: Sequence[Term], kind: IndexKind, dialect: str) -> Words:
    """Translate terms for a database and the kind of its index."""
    asked = [term for term in terms if _is_indexed(term, kind)]
    if not any(not term.is_excluded for term in asked):
        asked = []
    others = [_looked_at(term, kind, dialect) for term in terms if term not in asked]
    if not asked:
        return Words(match=None, indexed=None, rank=None, others=tuple(others))
    if dialect == "sqlite":
        return Words(match=_match(asked), indexed=None, rank=None, others=tuple(others))
    if kind == "trigrams":
        return Words(match=None, indexed=and_(*map(_contains, asked)), rank=None, others=tuple(others))
    found = _tsquery(asked)
    rank = func.ts_rank(_WORDS, found)
    indexed = and_(_WORDS.op("@@", is_comparison=True)(found), *map(_is_word, asked))
    return Words(match=None, indexed=indexed, rank=rank, others=tuple(others))


def has_words(term: Term) -> bool:
    """Find out whether there is a letter or digit in a term; what has none (an emoji, "½") is not asked of an index.

    SQLite takes "½" for a word, PostgreSQL for none.
    """
    return any(character.isalpha() or character.isdecimal() for character in term.text)


def _is_indexed(term: Term, kind: IndexKind) -> bool:
    return len(term.text) >= _SHORTEST_TRIGRAM if kind == "trigrams" else has_words(term)


def _match(terms: Iterable[Term]) -> str:
    wanted = " AND ".join(_quoted(term) for term in terms if not term.is_excluded)
    unwanted = " OR ".join(_quoted(term) for term in terms if term.is_excluded)
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def _quoted(term: Term) -> str:
    escaped = term.text.replace('"', '""')
    return f'"{escaped}" *' if term.is_prefix else f'"{escaped}"'


_PLACE: ColumnElement[int] = literal_column(PLACE.format(row="messages"), Integer)
_INDEX: ColumnElement[object] = literal_column(MESSAGE_SEARCH)
_INDEXED_AS: ColumnElement[int] = literal_column("rowid", Integer)


def in_index(match: str) -> ColumnElement[bool]:
    """Build the condition, on SQLite, that the index finds a message."""
    is_found = _INDEX.op("MATCH", is_comparison=True)(bindparam(None, match, type_=Text, unique=True))
    found = select(text("1")).select_from(text(MESSAGE_SEARCH)).where(is_found, _INDEXED_AS == _PLACE)
    return found.correlate(messages).exists()


_WORDS: ColumnElement[object] = literal_column(WORDS)
_SIMPLE: ColumnElement[object] = literal_column("'simple'::regconfig")
_FROM: ColumnElement[str] = literal_column(f"'{PUNCTUATION}'", Text)
_TO: ColumnElement[str] = literal_column(f"'{' ' * len(PUNCTUATION)}'", Text)


def _tsquery(terms: Iterable[Term]) -> ColumnElement[object]:
    return reduce(func.tsquery_and, map(_tsquery_of, terms))


def _tsquery_of(term: Term) -> ColumnElement[object]:
    given = func.translate(bindparam(None, term.text, type_=Text, unique=True), _FROM, _TO)
    phrase: ColumnElement[object] = func.phraseto_tsquery(_SIMPLE, given, type_=TSQUERY)
    if term.is_prefix:  # of a text in which the server finds no word nothing can be a prefix
        prefix = cast(cast(phrase, Text).concat(":*"), TSQUERY)
        phrase = case((func.numnode(phrase) > 0, prefix), else_=phrase)
    return func.tsquery_not(phrase) if term.is_excluded else phrase


def _is_word(term: Term) -> ColumnElement[bool]:
    """Whether the server sees a word in what is wanted. What it sees none in, it would leave aside beside others."""
    return true() if term.is_excluded else func.numnode(_tsquery_of(term)) > 0


def _looked_at(term: Term, kind: IndexKind, dialect: str) -> ColumnElement[bool]:
    """Build the condition on a message for what the index cannot be asked for, or not alone."""
    if not has_words(term):
        found: ColumnElement[bool] = PositionOf(messages.c.content, bindparam(None, term.text, Text, unique=True)) > 0
    elif kind == "trigrams" or dialect == "postgresql":
        found = _holds(term, kind)
    else:
        found = in_index(_quoted(term))
    return not_(found) if term.is_excluded else found


def _holds(term: Term, kind: IndexKind) -> ColumnElement[bool]:
    if kind == "trigrams":
        return messages.c.content.icontains(term.text, autoescape=True)
    return _WORDS.op("@@", is_comparison=True)(_tsquery_of(Term(text=term.text, is_prefix=term.is_prefix)))


def _contains(term: Term) -> ColumnElement[bool]:
    found = messages.c.content.ilike(_pattern(term.text), escape="\\")
    return not_(found) if term.is_excluded else found


def _pattern(given: str) -> str:
    """Write a text as a pattern of ILIKE that is found wherever it stands."""
    escaped = given.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
