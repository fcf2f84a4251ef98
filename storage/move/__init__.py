"""The door to moving an archive from SQLite to PostgreSQL."""

from storage.move.model import Moved, MovedTable, MoveProgress, MoveRefused, RowsDiffer, Step
from storage.move.move import move_archive
from storage.move.selection import NOT_COPIED, copied_tables

__all__ = [
    "NOT_COPIED",
    "MoveProgress",
    "MoveRefused",
    "Moved",
    "MovedTable",
    "RowsDiffer",
    "Step",
    "copied_tables",
    "move_archive",
]
