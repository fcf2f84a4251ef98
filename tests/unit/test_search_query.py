"""The language of the search box: what is read how, and what cannot be."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.search_dates import time_of
from bot.search_query import LONGEST_QUERY, OPERATORS, BadQuery, mistyped_filters, parse_query
from storage.search import Field, Filter, Has, SearchQuery, Term, TimeSpan
from tests.support.examples import examples

WHO = "0123456789abcdef" * 4


def day(year: int, month: int = 1, number: int = 1, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, number, hour, minute, tzinfo=UTC)


MINUTE = TimeSpan(since=day(2026, 5, 17, 16, 30), until=day(2026, 5, 17, 16, 31))


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("", []),
        ("  one  two ", [Term(text="one"), Term(text="two")]),
        ('"a phrase" -word', [Term(text="a phrase"), Term(text="word", is_excluded=True)]),
        ('-"not this"', [Term(text="not this", is_excluded=True)]),
        ("begin*", [Term(text="begin", is_prefix=True)]),
        ('"how to beg"*', [Term(text="how to beg", is_prefix=True)]),
        ("https://example.com/a?b=c 12:30", [Term(text="https://example.com/a?b=c"), Term(text="12:30")]),
        ("well-known - -", [Term(text="well-known")]),
        ("AND OR NOT NEAR(a", [Term(text=t) for t in ("AND", "OR", "NOT", "NEAR(a")]),
        ('"unended', [Term(text="unended")]),
        ("„deutsch“ 🔥 日本", [Term(text="deutsch"), Term(text="🔥"), Term(text="日本")]),
        ("nul\0byte", [Term(text="nul"), Term(text="byte")]),
    ],
)
def test_words(typed: str, terms: list[Term]) -> None:
    assert parse_query(typed) == SearchQuery(terms=tuple(terms))


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("from:01234567", Field.AUTHOR, "01234567"),
        (f"author:<@{WHO}>", Field.AUTHOR, WHO),
        ("FROM:ABCDEF0123", Field.AUTHOR, "abcdef0123"),
        ("in:#general", Field.CHANNEL, "#general"),
        ("in:<#123>", Field.CHANNEL, "123"),
        ('thread:"how to"', Field.THREAD, "how to"),
        ("during:2026", Field.DURING, TimeSpan(since=day(2026), until=day(2027))),
        ("before:2026-05", Field.DURING, TimeSpan(until=day(2026, 5))),
        ("after:2026-12", Field.DURING, TimeSpan(since=day(2027))),
        ("during:2026-05-17T16:30Z", Field.DURING, MINUTE),
        ("during:9999", Field.DURING, TimeSpan(since=day(9999))),
        ("has:links", Field.HAS, Has.LINK),
        ("mentions:@01234567", Field.MENTIONS, "01234567"),
        ("reaction:👍", Field.REACTION, "👍"),
        ("type:reply", Field.TYPE, "reply"),
        ("deleted:any", Field.DELETED, "any"),
        ("pinned:no", Field.PINNED, False),
        ("is:edited", Field.EDITED, True),
        ("near:123", Field.NEAR, "123"),
    ],
)
def test_filters(typed: str, field: Field, value: object) -> None:
    assert parse_query(typed).filters == (Filter(field=field, value=value),)  # type: ignore[arg-type]
    assert parse_query(f"-{typed}").filters == (Filter(field=field, value=value, is_excluded=True),)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("from:bob", "from:bob: must be a pseudonym"),
        ("in: general", "in: needs a value right behind it, as in in:#general"),
        ("before:yesterday", "must be a year, month, day or time"),
        ("during:2026-02-30", "there is no such date"),
        ("after:9999", "nothing can be sent after it"),
        ("has:everything", "must be one of file, image, link"),
        ("pinned:maybe", "must be true or false"),
        ("deleted:maybe", "or any for both"),
        ("is:fun", "must be one of deleted, edited, pinned"),
        ("near:here", "must be the id of a message"),
        ("a*", "give at least 2 letters"),
        ("x" * (LONGEST_QUERY + 1), "at most 500 are read"),
        ("a " * 41, "at most 40 are read"),
        ("after:2026 before:2026-05", "before:, after: and during: have no time in common"),
        ("during:2026 before:2026", "have no time in common"),
    ],
)
def test_what_cannot_be_read_is_said(typed: str, said: str) -> None:
    with pytest.raises(BadQuery) as refused:
        parse_query(typed)
    assert said in str(refused.value)


def test_times_that_have_one_in_common() -> None:
    for typed in ("after:2025 before:2026-05", "during:2026 before:2026-02", "during:2026 -during:2026", "after:2026"):
        assert parse_query(typed).filters


def test_what_may_be_meant_as_a_filter() -> None:
    typed = 'form:ann -Befor:2024 auther:"1a 2b" from:1a2b3c4d http://x.org 12:30 std::map "has :1" and re: 👍'
    assert mistyped_filters(typed) == {"auther": "author", "befor": "before", "form": "from"}
    assert mistyped_filters("plain words") == {}


def test_each_example_can_be_read() -> None:
    for operator in OPERATORS.values():
        assert len(parse_query(operator.example).filters) == 1


@settings(max_examples=examples(300))
@given(st.text() | st.text(alphabet='abf:"-*# \0in2026'))
def test_anything_is_read_or_refused(typed: str) -> None:
    try:
        found = parse_query(typed)
    except BadQuery:
        return
    assert all(term.text.strip() and "\0" not in term.text for term in found.terms)


def test_the_last_day_of_the_calendar() -> None:
    assert time_of("9999-12-31").until is None
