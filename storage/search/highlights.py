"""Where in a text the words stand that it was found by: as the index sees words, and with accents left aside."""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from storage.search.index import IndexKind
from storage.search.model import Span, Term

_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_MOST = 100
"""How many places of a text are told."""

_GAP = "\0"  # between two words of a line; no word holds it


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    folded: str


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of a text behind each other, in which a phrase is found as a text is: at once, however long it is."""

    words: Sequence[_Word]
    text: str  # a gap before each word, and one at the end
    gaps: Sequence[int]  # where in it those are

    @classmethod
    def of(cls, words: Sequence[_Word]) -> "_Line":
        """Write words as a line."""
        gaps = list(accumulate((len(word.folded) + 1 for word in words), initial=0))
        return cls(words, _phrase([word.folded for word in words]) + _GAP, gaps)


def highlights_of(content: str, terms: Sequence[Term], kind: IndexKind | None) -> tuple[Span, ...]:
    """Find the terms in a text; overlapping places become one."""
    line = _Line.of(list(_words(content)) if kind == "words" else [])
    found: list[tuple[int, int]] = []
    for term in dict.fromkeys(terms):
        wanted = [word.folded for word in _words(term.text)] if kind == "words" else []
        places = _places(line, wanted, is_prefix=term.is_prefix) if wanted else _parts(content, term.text)
        found += islice(places, _MOST)
    return tuple(Span(start=start, length=end - start) for start, end in _merged(found)[:_MOST])


def _words(text: str) -> Iterator[_Word]:
    for match in _WORD.finditer(text):
        if folded := _folded(match[0]):  # of accents alone nothing is left
            yield _Word(match.start(), match.end(), folded)


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFD", word.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))


def _phrase(words: Sequence[str]) -> str:
    return "".join(_GAP + word for word in words)


def _places(line: _Line, wanted: Sequence[str], *, is_prefix: bool) -> Iterator[tuple[int, int]]:
    phrase = _phrase(wanted) + ("" if is_prefix else _GAP)
    at = line.text.find(phrase)
    while at >= 0:
        number = bisect_left(line.gaps, at)
        yield line.words[number].start, line.words[number + len(wanted) - 1].end
        at = line.text.find(phrase, at + 1)


def _parts(content: str, wanted: str) -> Iterator[tuple[int, int]]:
    return ((match.start(), match.end()) for match in re.finditer(re.escape(wanted), content, re.IGNORECASE))


def _merged(found: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
