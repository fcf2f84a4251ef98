"""Where in a text the words stand that it was found by: as the index sees words, and with accents left aside."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage.search.index import IndexKind
from storage.search.model import Span, Term

_WORD = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+")
_MOST = 100
"""How many places of a text are told."""


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    folded: str


def highlights_of(content: str, terms: Sequence[Term], kind: IndexKind | None) -> tuple[Span, ...]:
    """Find the terms in a text; overlapping places become one."""
    words = list(_words(content)) if kind == "words" else []
    found: list[tuple[int, int]] = []
    for term in terms:
        wanted = [word.folded for word in _words(term.text)] if kind == "words" else []
        found += _phrases(words, wanted, is_prefix=term.is_prefix) if wanted else _parts(content, term.text)
    return tuple(Span(start=start, length=end - start) for start, end in _merged(found)[:_MOST])


def _words(text: str) -> Iterator[_Word]:
    for match in _WORD.finditer(text):
        yield _Word(match.start(), match.end(), _folded(match[0]))


def _folded(word: str) -> str:
    if word.isascii():
        return word.lower()
    apart = unicodedata.normalize("NFD", word.lower())
    return "".join(character for character in apart if not unicodedata.combining(character))


def _phrases(words: Sequence[_Word], wanted: Sequence[str], *, is_prefix: bool) -> Iterator[tuple[int, int]]:
    *firsts, last = wanted
    for at in range(len(words) - len(wanted) + 1):
        end = words[at + len(firsts)]
        is_end = end.folded.startswith(last) if is_prefix else end.folded == last
        if is_end and all(words[at + n].folded == first for n, first in enumerate(firsts)):
            yield words[at].start, end.end


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
