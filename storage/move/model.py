"""What is told of a move, while it goes on and afterwards."""

from dataclasses import dataclass
from enum import StrEnum

from storage.errors import StorageError


class Step(StrEnum):
    """What a move is at."""

    COPY = "copying"
    INDEX = "building the indexes"
    COMPARE = "comparing"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveProgress:
    """How far a move is. Rows are of the step, over all tables."""

    step: Step
    table: str
    rows: int
    rows_in_all: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedTable:
    """A table that was found equal, row by row."""

    name: str
    rows: int
    cleaned: int  # of them held what PostgreSQL cannot store, such as the character U+0000; it was taken out


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was moved, and found equal."""

    source: str
    target: str
    tables: tuple[MovedTable, ...]
    search_note: str | None  # why the index for searching could not be built; None: it was, or is switched off


class MoveRefused(StorageError):
    """The archive cannot be moved like this."""

    code = "move_refused"
    remedy = "See what the message names; the archive itself was only read."


class RowsDiffer(StorageError):
    """The archive and its copy are not the same."""

    code = "rows_differ"
    remedy = "Move into a new, empty database; if that differs too, please report it."
