"""What of a found message is shown: the part around the first word that it was found by, with these marked."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.api import HitView
from bot.wording import people

_LONGEST = 420  # characters
_BEFORE = 80  # of them before the first word that was found


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; ``is_found`` where it is what was searched for."""

    text: str
    is_found: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A part of a message, and whether there is more of it on either side."""

    pieces: Sequence[Piece]
    is_cut_before: bool
    is_cut_behind: bool


def excerpt_of(hit: HitView) -> Excerpt:
    """Cut a message to what fits around the first place found, and mark all places in that."""
    content = hit.content
    places = sorted((mark.start, mark.start + mark.length) for mark in hit.highlights)
    first = max(places[0][0] - _BEFORE, 0) if places and len(content) > _LONGEST else 0
    last = min(first + _LONGEST, len(content))
    pieces = [Piece(people(piece.text), piece.is_found) for piece in _pieces(content, places, first, last)]
    return Excerpt(pieces=pieces, is_cut_before=first > 0, is_cut_behind=last < len(content))


def _pieces(content: str, places: Iterable[tuple[int, int]], first: int, last: int) -> Iterator[Piece]:
    at = first
    for begin, end in places:
        begin, end = max(begin, at), min(end, last)
        if begin >= end:
            continue
        if begin > at:
            yield Piece(content[at:begin])
        yield Piece(content[begin:end], is_found=True)
        at = end
    if at < last:
        yield Piece(content[at:last])
