"""One person's wish: to be erased, or to see what is held of them."""

from storage.privacy.copies import (
    is_emptied,
)
from storage.privacy.export import (
    export_user,
)
from storage.privacy.originals import (
    without_erased_copies,
    without_erased_titles,
)
from storage.privacy.redaction import (
    Redactor,
    erased_in_channels,
    redactor_for,
    redactors_for,
    require_hash,
)
from storage.privacy.traces import (
    empty_traces_of,
    note_copies,
)
from storage.privacy.wishes import (
    Erased,
    Wish,
    erase_user,
    find_wish,
    fulfil_wish,
    list_wishes,
    record_wish,
)

__all__ = [
    "Erased",
    "Redactor",
    "Wish",
    "empty_traces_of",
    "erase_user",
    "erased_in_channels",
    "export_user",
    "find_wish",
    "fulfil_wish",
    "is_emptied",
    "list_wishes",
    "note_copies",
    "record_wish",
    "redactor_for",
    "redactors_for",
    "require_hash",
    "without_erased_copies",
    "without_erased_titles",
]
