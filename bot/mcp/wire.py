"""How an answer is written, and how much of it fits.

What people wrote stands in strings of JSON alone. Its quotes and line breaks are escaped there, so that no message can
end its string and speak for this server; characters that nobody sees, in which orders to assistants are hidden, too.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

ANSWER_MOST = 20_000
"""Characters of an answer, as it is written."""

ITEMS_MOST = 16_000
"""Of them those of its messages, channels or figures."""

# Control characters, separators of lines, marks of direction, what has no width, and tags; not what joins emoji.
_HIDDEN = re.compile(
    "[\x80-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\U000e0000-\U000e0fff]"
)


def as_json(value: Any) -> str:
    """Write a value in one line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def values_of(answer: BaseModel) -> dict[str, Any]:
    """Return an answer as plain values, without what is absent."""
    return answer.model_dump(mode="json", exclude_none=True)


def fitting(items: Sequence[BaseModel]) -> int:
    """Return how many of the first items fit into an answer: at least one, so that a cursor always goes on."""
    left = ITEMS_MOST
    for count, item in enumerate(items):
        left -= len(as_json(values_of(item))) + 1
        if left < 0:
            return max(count, 1)
    return len(items)


def shortened(text: str, most: int) -> str:
    """Return as much of the beginning of a text as takes so many characters where it is written."""
    if len(text) * 12 <= most or len(as_json(text)) - 2 <= most:  # a hidden one takes up to twelve
        return text
    return text[: bisect_right(range(len(text)), most, key=lambda end: len(as_json(text[:end])) - 2) - 1]
