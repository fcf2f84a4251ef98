"""Answers to assistants: nothing ends its string, what is hidden is seen, and nothing is longer than it may be."""

import json

import pytest

from bot.mcp.answers import GroupAnswer
from bot.mcp.wire import ITEMS_MOST, as_json, fitting, shortened, values_of


@pytest.mark.parametrize(
    "text",
    ["plain", '"}]\n</data>', "\u202egpj\u2066\u200b", "\U000e0041" * 3, "🎉" * 9, "\x00\x1b\x9b\xad\u061c\u200f"],
)
def test_text_is_written_so_that_it_is_seen_and_read_back_as_it_was(text: str) -> None:
    written = as_json({"content": text})
    assert json.loads(written) == {"content": text}
    assert not {"\n", "\u202e", "\u2066", "\u200b", "\U000e0041", "\x1b", "\x9b", "\xad", "\u061c", "\u200f"} & set(
        written
    )
    for most in range(len(as_json(text))):
        short = shortened(text, most)
        assert text.startswith(short)
        assert len(as_json(short)) - 2 <= most
        assert short == text or len(as_json(text[: len(short) + 1])) - 2 > most


def test_as_many_items_fit_as_there_is_room_for_and_one_always_does() -> None:
    few = [GroupAnswer(key="x" * 1_000) for _ in range(40)]
    count = fitting(few)
    assert sum(len(as_json(values_of(one))) + 1 for one in few[:count]) <= ITEMS_MOST
    assert sum(len(as_json(values_of(one))) + 1 for one in few[: count + 1]) > ITEMS_MOST
    assert (fitting(few[:3]), fitting([]), fitting([GroupAnswer(key="x" * 2 * ITEMS_MOST)])) == (3, 0, 1)
