"""Find the names of a payload's users in its texts: ``@name`` and ``name#0000``, at word borders.

A text is searched once for the places where a name may stand; at each, candidates are looked up by length. The time is
linear in the length of the text, however many users a payload has.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from adapters.discord.convert.payload import readable, snowflake

LONGEST_NAME = 80
"""Discord's limit in characters for a webhook's name; for a person's it is 32."""

# Chinese, Japanese and Korean are written without spaces between words: every place in them is a border.
_LETTER = "[^\\W\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
# A mark directly behind a word is part of an address.
_PLACES = re.compile(rf"(?<!{_LETTER})@|#[0-9]{{4}}(?!{_LETTER})")
# A dot between two letters belongs to the word, as in an address.
_INSIDE_WORD = re.compile(rf"(?<={_LETTER})\.?{_LETTER}|(?<={_LETTER}\.){_LETTER}")


class Found(NamedTuple):
    """The position of a name in a text, its mark included, and the id of the user."""

    start: int
    end: int
    user_id: str


class Names:
    """Index of the names of a payload's users."""

    __slots__ = ("_by_first", "_by_last", "owners")

    def __init__(self, owners: Mapping[str, str]) -> None:
        self.owners = owners
        self._by_first: Mapping[str, list[int]] | None = None  # lengths, in descending order
        self._by_last: Mapping[str, list[int]] | None = None

    def may_stand_in(self, text: str) -> bool:
        """Find out whether any of the names occurs in a text at all: much faster than finding where one counts."""
        return any(name in text for name in self.owners)

    def find(self, text: str) -> Iterator[Found]:
        """Find the names in a text from the left, the longest where several fit."""
        done = 0
        for place in _PLACES.finditer(text):
            at = place.start()
            if at < done:
                continue
            found = self._called(text, at) if place[0] == "@" else self._tagged(text, done, at)
            if found:
                done = found.end
                yield found

    def _called(self, text: str, at: int) -> Found | None:
        """Match ``@name`` at the index of its @."""
        start = at + 1
        if self._by_first is None:
            self._by_first = _lengths(self.owners, 0)
        for length in self._by_first.get(text[start : start + 1], ()):
            end = start + length
            owner = self.owners.get(text[start:end])
            if owner and not _INSIDE_WORD.match(text, end):
                return Found(at, end, owner)
        return None

    def _tagged(self, text: str, low: int, tag: int) -> Found | None:
        """Match ``name#0000`` backwards from the index of its tag; it may not begin before ``low``."""
        if self._by_last is None:
            self._by_last = _lengths(self.owners, -1)
        for length in self._by_last.get(text[tag - 1 : tag], ()):
            start = tag - length
            owner = self.owners.get(text[start:tag]) if start >= low else None
            if owner and not _INSIDE_WORD.match(text, start):
                return Found(start, tag + 5, owner)
        return None


def names_of(users: Iterable[Mapping[str, Any]]) -> Names:
    """Index the names of user objects; where two users share a name the first keeps it."""
    owners: dict[str, str] = {}
    for user in users:
        user_id = snowflake(user.get("id"))
        if user_id is None:
            continue
        for key in ("username", "global_name", "nick"):
            name = user.get(key)
            if isinstance(name, str) and 1 < len(name) <= LONGEST_NAME:
                owners.setdefault(readable(name), user_id)
    owners.pop("", None)
    return Names(owners)


def _lengths(names: Iterable[str], place: int) -> dict[str, list[int]]:
    """Map each character at index ``place`` of a name to the lengths of those names, in descending order."""
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[place], set()).add(len(name))
    return {letter: sorted(found, reverse=True) for letter, found in lengths.items()}
