"""A change of a message, and places in the feed of changes."""

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from storage.reading import ShownChannel, ShownMessage

ChangeKind: TypeAlias = Literal["created", "edited", "erased", "deleted", "attachments", "reactions"]
"""What was changed of a message; erased: its author is forgotten, and it is empty now."""

_PLACE = re.compile(r"(0|[1-9][0-9]{0,17})(?:-([0-9]{1,19}))?(?:\.([1-9][0-9]{0,17}))?", re.ASCII)


class StartAnew(Exception):
    """The reader's place is none in this archive any more: what it has read has to be dropped, and read from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlace:
    """How far a reader is: everything up to a position, or of what is at it only the messages up to one.

    ``anew`` is the feed's ``starts_anew_below`` when it was told: with another one by now, messages were deleted since.
    """

    position: int
    message_id: str | None = None  # the platform's; of several messages at one position, in the order of text
    anew: int = 0

    def __str__(self) -> str:
        message = "" if self.message_id is None else f"-{self.message_id}"
        return f"{self.position}{message}{f'.{self.anew}' if self.anew else ''}"


def read_place(text: str) -> ChangePlace:
    """Read a place as ``str`` wrote it.

    Raises:
        ValueError: it is none.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError("must be 0, or the next of an answer before")
    return ChangePlace(position=int(found[1]), message_id=found[2], anew=int(found[3] or 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was changed of a message, and the message as it is now."""

    place: ChangePlace
    kind: ChangeKind
    channel: ShownChannel
    message: ShownMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePage:
    """Changes behind a place, in their order."""

    changes: tuple[Change, ...]
    next: ChangePlace  # where to go on
    bound: ChangePlace  # nothing can appear any more up to here
    has_more: bool  # False: next is the bound
