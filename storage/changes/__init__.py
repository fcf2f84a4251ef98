"""The door to the change feed: what was changed in the archive, in an order in which nothing appears belatedly."""

from storage.changes.feed import changes_after
from storage.changes.model import Change, ChangeKind, ChangePage, ChangePlace, StartAnew, read_place
from storage.changes.new_messages import queue_new_messages
from storage.changes.numbering import number_changes

__all__ = [
    "Change",
    "ChangeKind",
    "ChangePage",
    "ChangePlace",
    "StartAnew",
    "changes_after",
    "number_changes",
    "queue_new_messages",
    "read_place",
]
