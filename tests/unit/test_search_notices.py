"""What the reader of a page of hits is told in words."""

from dataclasses import replace

from bot.api.search import notices_of
from storage.search import IndexState, Order, Page
from tests.support.builders import NOW

READY = IndexState(kind="words", is_ready=True, percent=100)
BUILT = IndexState(kind="words", is_ready=False, percent=40)
PAGE = Page(hits=(), order=Order.NEWEST, next_cursor=None, is_cut=False, searched_until=None, index=READY)


def test_a_search_that_was_ended_says_how_to_go_on() -> None:
    cut = replace(PAGE, is_cut=True)
    assert notices_of(PAGE, Order.NEWEST, "sqlite") == []
    (told,) = notices_of(replace(cut, searched_until=NOW), Order.NEWEST, "sqlite")
    assert "go on from there" in told
    (told,) = notices_of(cut, Order.NEWEST, "sqlite")
    assert "give more letters" in told
    (told,) = notices_of(replace(cut, order=Order.RELEVANCE), Order.RELEVANCE, "sqlite")
    assert "too many hits to go on by relevance" in told


def test_while_the_index_is_built_something_is_missing_or_slow() -> None:
    (told,) = notices_of(replace(PAGE, index=BUILT), Order.NEWEST, "sqlite")
    assert "(40 %): older messages may be missing" in told
    (told,) = notices_of(replace(PAGE, index=BUILT), Order.NEWEST, "postgresql")
    assert "slow until then" in told
    assert "missing" not in told
