"""Where on a page it is said that something is missing: where it would stand, or behind all, and nowhere else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.holes import place_holes
from bot.skip_words import NEUTRAL
from storage.reading import Hole, HoleKind, MessageWindow, ShownMessage
from tests.support.builders import NOW, SECOND


def shown(number: int) -> ShownMessage:
    return ShownMessage(
        id=number,
        channel_id=1,
        platform_id=str(number),
        author_hash=None,
        author_kind="user",
        content="",
        type="default",
        sent_at=NOW + number * SECOND,
        edited_at=None,
        deleted_at=None,
        reply_to_channel_platform_id=None,
        reply_to_message_platform_id=None,
        reply_to_author_hash=None,
        metadata={},
    )


WINDOW = MessageWindow(messages=tuple(map(shown, (9, 10, 12))), has_older=True, has_newer=True)
WHOLE = replace(WINDOW, has_older=False, has_newer=False)


@pytest.mark.parametrize(
    ("hole", "amid", "whole", "words"),
    [
        ({"kind": HoleKind.SET_ASIDE, "after_id": "11"}, ["12"], ["12"], "cannot be stored"),
        ({"kind": HoleKind.UNREAD, "after_id": "12"}, [], ["end"], "has not been read to its end"),
        ({"kind": HoleKind.UNREAD}, [], ["9"], "has not been read to its end"),
        ({"kind": HoleKind.TO_READ_AGAIN, "after_id": "9"}, ["10"], ["10"], "being read again"),
        ({"kind": HoleKind.SKIPPED, "reason": "not_public"}, [], ["end"], "no longer archived"),
        ({"kind": HoleKind.GAP, "reason": "outage", "since": NOW + 10 * SECOND}, ["12"], ["12"], "had an outage"),
        ({"kind": HoleKind.GAP, "reason": "left", "since": NOW - timedelta(days=1)}, [], ["9"], "was not in it"),
    ],
)
def test_a_hole_has_its_place(hole: dict[str, Any], amid: list[str], whole: list[str], words: str) -> None:
    for window, places in ((WINDOW, amid), (WHOLE, whole)):
        found = place_holes([Hole(**hole), Hole(**hole)], window, NEUTRAL)  # two of the same are said once
        told = {place: holes for place, holes in found.before.items() if holes}
        assert [*told, *["end" for _ in found.behind]] == places
        assert all(words in each.words for holes in (*told.values(), found.behind) for each in holes)
