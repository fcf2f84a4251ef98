"""Which messages show that Discord gives content, and which that it does not."""

from typing import Any

import pytest

from adapters.discord.convert import is_blanked, shows_content
from tests.support.builders import attachment, message

BOT = "42"
BLANK: dict[str, Any] = {"id": "1", "type": 0, "author": {"id": "7"}, "content": "", "embeds": [], "attachments": []}
SPOKEN = BLANK | {"content": "hello"}
NEITHER = [
    {"type": 7},
    {"type": 20, "flags": 1 << 7},
    {"type": 18, "content": "a thread's name"},
    {"author": {"id": BOT}},
    {"mentions": [{"id": BOT}]},
    {"sticker_items": [{"id": "9", "name": "wave"}]},
    {"message_snapshots": [{"message": {"content": ""}}]},
    {"flags": 1 << 2},
]


@pytest.mark.parametrize(
    "content",
    [{"content": "x"}, {"embeds": [{}]}, {"attachments": [{}]}, {"components": [{}]}, {"poll": {"question": {}}}],
)
def test_content_shows(content: dict[str, Any]) -> None:
    assert shows_content(BLANK | content, BOT) is True


@pytest.mark.parametrize("content", NEITHER)
def test_what_says_neither(content: dict[str, Any]) -> None:
    assert shows_content(BLANK | content, BOT) is None
    assert not is_blanked([BLANK | content], BOT)
    assert is_blanked([BLANK | content, BLANK], BOT)
    assert not is_blanked([BLANK | content, BLANK, SPOKEN], BOT)


@pytest.mark.parametrize("kind", [0, 4, 12, 18, 19, 20, 23, 24, 27, 31, 46])
def test_a_written_message_without_anything_is_blank(kind: int) -> None:
    assert shows_content(BLANK | {"type": kind}, BOT) is False
    assert not is_blanked([], BOT)


def test_a_record_is_blank_where_it_shows_nothing_of_what_was_written() -> None:
    bare = message(1, content="")
    assert bare.is_blank
    assert message(1, content="", metadata={"flags": 4, "pinned": True, "forward": {"sent_at": "x"}}).is_blank
    assert not message(1).is_blank
    assert not message(1, content="", attachments=(attachment("1"),)).is_blank
    for kept in ({"embeds": [{}]}, {"poll": {"question": "?"}}, {"stickers": [{}]}, {"forward": {"content": "x"}}):
        assert not message(1, content="", metadata=kept).is_blank
