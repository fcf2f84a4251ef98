"""The language of the one search box: words, "phrases", beginnings*, filters such as from:, and a minus before each.

What it cannot read is an error that says what would be right; a word with a colon that is no filter is a word.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial

from bot.search_dates import have_time_in_common, time_of
from storage.search import Field, Filter, Has, SearchQuery, Term, TimeSpan

LONGEST_QUERY = 500
"""In characters, of which each takes up to twelve in an address; the server reads 8,190."""

_MOST_PARTS = 40
_FEWEST_LETTERS = 2  # before a *: one letter begins a tenth of all words
_PART = re.compile(
    r'(?P<minus>-(?=\S))?(?:(?P<key>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)(?:"|$)(?P<star>\*?)|(?P<bare>\S*))'
)
_PSEUDONYM = re.compile(r"(?:<@|@)?([0-9a-f]{8,64})>?", re.ASCII | re.IGNORECASE)
_CHANNEL = re.compile(r"<#([0-9]+)>", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "\0": " "})  # as phones write them; and what no database holds


class BadQuery(Exception):
    """A part of the query cannot be read; the message says which, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A filter of the language, for those who suggest or explain it."""

    name: str
    meaning: str
    example: str
    read: Callable[[str], Filter]


def parse_query(text: str) -> SearchQuery:
    """Read what was typed into the box.

    Raises:
        BadQuery: it cannot be read.
    """
    if len(text) > LONGEST_QUERY:
        raise BadQuery(f"it has {len(text):,} characters; at most {LONGEST_QUERY:,} are read")
    cleaned = text.encode("utf-8", "replace").decode().translate(_QUOTES)
    parts = [part for part in map(_read, _parts(cleaned)) if part is not None]
    if len(parts) > _MOST_PARTS:
        raise BadQuery(f"it has {len(parts)} words and filters; at most {_MOST_PARTS} are read")
    terms = tuple(part for part in parts if isinstance(part, Term))
    filters = tuple(part for part in parts if isinstance(part, Filter))
    if not have_time_in_common(each.value for each in filters if not each.is_excluded):
        raise BadQuery("before:, after: and during: have no time in common, so nothing can have been sent then")
    return SearchQuery(terms=terms, filters=filters)


def _parts(text: str) -> Iterator[re.Match[str]]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        part = _PART.match(text, at)
        assert part is not None  # noqa: S101 # each of its parts may be empty
        yield part
        at = max(part.end(), at + 1)


def _read(part: re.Match[str]) -> Term | Filter | None:
    key = (part["key"] or "").lower()
    operator = OPERATORS.get(_ALIASES.get(key, key))
    is_excluded = part["minus"] is not None
    if operator is None:
        return _term(part, is_excluded=is_excluded)
    value = (part["quoted"] if part["quoted"] is not None else part["bare"]).strip()
    if not value:
        raise BadQuery(f"{key}: needs a value right behind it, as in {operator.example}")
    try:
        read = operator.read(value)
    except ValueError as e:
        raise BadQuery(f"{key}:{value}: {e}") from None
    return Filter(field=read.field, value=read.value, is_excluded=is_excluded)


def _term(part: re.Match[str], *, is_excluded: bool) -> Term | None:
    before = f"{part['key']}:" if part["key"] else ""  # a word with a colon, such as an address
    if part["quoted"] is not None:
        text, is_prefix = before + part["quoted"].strip(), bool(part["star"])
    else:
        bare = before + part["bare"]
        text, is_prefix = bare.rstrip("*"), bare.endswith("*")
    if not text or text == "-":
        return None
    if is_prefix and sum(character.isalnum() for character in text) < _FEWEST_LETTERS:
        raise BadQuery(f"{text}*: give at least {_FEWEST_LETTERS} letters of the word before the *")
    return Term(text=text, is_prefix=is_prefix, is_excluded=is_excluded)


def _person(field: Field, value: str) -> Filter:
    found = _PSEUDONYM.fullmatch(value)
    if not found:
        raise ValueError("must be a pseudonym: its 64 hexadecimal digits, or the first eight or more of them")
    return Filter(field=field, value=found[1].lower())


def _channel(field: Field, value: str) -> Filter:
    found = _CHANNEL.fullmatch(value)
    return Filter(field=field, value=found[1] if found else value)


def _has(value: str) -> Filter:
    try:
        return Filter(field=Field.HAS, value=Has(value.lower().removesuffix("s")))
    except ValueError:
        raise ValueError(f"must be one of {', '.join(Has)}") from None


def _bool(field: Field, value: str) -> Filter:
    if field is Field.DELETED and value.lower() == "any":
        return Filter(field=field, value="any")
    if value.lower() not in _BOOLEANS:
        raise ValueError("must be true or false" + (", or any for both" if field is Field.DELETED else ""))
    return Filter(field=field, value=_BOOLEANS[value.lower()])


def _is(value: str) -> Filter:
    states = {field.value: field for field in (Field.DELETED, Field.EDITED, Field.PINNED)}
    if value.lower() not in states:
        raise ValueError(f"must be one of {', '.join(states)}")
    return Filter(field=states[value.lower()], value=True)


def _before(value: str) -> Filter:
    return Filter(field=Field.DURING, value=TimeSpan(until=time_of(value).since))


def _after(value: str) -> Filter:
    end = time_of(value).until
    if end is None:
        raise ValueError("nothing can be sent after it")
    return Filter(field=Field.DURING, value=TimeSpan(since=end))


def _during(value: str) -> Filter:
    return Filter(field=Field.DURING, value=time_of(value))


def _near(value: str) -> Filter:
    if not re.fullmatch(r"[0-9]{1,19}", value, re.ASCII):
        raise ValueError("must be the id of a message, in digits")
    return Filter(field=Field.NEAR, value=value)


def _plain(field: Field, value: str) -> Filter:
    return Filter(field=field, value=value)


def _operators() -> Iterator[Operator]:
    def of(name: str, meaning: str, example: str, read: Callable[[str], Filter]) -> Operator:
        return Operator(name=name, meaning=meaning, example=f"{name}:{example}", read=read)

    yield of("from", "who wrote it, by pseudonym", "1a2b3c4d", partial(_person, Field.AUTHOR))
    yield of("in", "a channel with its threads, by name or id", "#general", partial(_channel, Field.CHANNEL))
    yield of("thread", "a thread or post, by name or id", '"how to begin"', partial(_channel, Field.THREAD))
    yield of("before", "sent before a year, month, day or time (UTC)", "2026-05", _before)
    yield of("after", "sent after one", "2026-05-17", _after)
    yield of("during", "sent in one", "2026", _during)
    yield of("has", f"one of {', '.join(Has)}", "link", _has)
    yield of("mentions", "who is mentioned, by pseudonym", "1a2b3c4d", partial(_person, Field.MENTIONS))
    yield of("reaction", "an emoji that was given, or a custom one's name", "👍", partial(_plain, Field.REACTION))
    yield of("type", "the platform's kind of message", "reply", partial(_plain, Field.TYPE))
    yield of("deleted", "true: deleted ones alone, any: those, too", "true", partial(_bool, Field.DELETED))
    yield of("edited", "whether it was edited", "true", partial(_bool, Field.EDITED))
    yield of("pinned", "whether it is pinned", "true", partial(_bool, Field.PINNED))
    yield of("is", "deleted, edited or pinned", "pinned", _is)
    yield of("near", "within a day of a message, in its channel", "1098765432109876543", _near)


OPERATORS: Mapping[str, Operator] = {operator.name: operator for operator in _operators()}
"""The filters by their names."""

_ALIASES = {"author": "from", "channel": "in"}

_LIKENESS = 0.7  # form: is from:, but http: is not type:


def mistyped_filters(text: str) -> dict[str, str]:
    """Find what was searched for as a word and may have been meant as a filter.

    Returns:
        The filters that are meant, by what was typed before the colon.
    """
    keys = {(part["key"] or "").lower() for part in _parts(text.translate(_QUOTES))}
    names = [*OPERATORS, *_ALIASES]
    found = {key: get_close_matches(key, names, 1, _LIKENESS) for key in sorted(keys.difference(names))}
    return {key: near[0] for key, near in found.items() if near}
