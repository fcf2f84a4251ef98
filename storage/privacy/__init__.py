"""One person's request: an erasure, or an export of what is stored about them. And content that has had its time."""

from storage.privacy.barrier import (
    take_turn,
    until_known_to_all,
)
from storage.privacy.copies import (
    is_emptied,
)
from storage.privacy.expiry import (
    EXPIRED,
    is_expired,
    without_content,
    without_expired_content,
    without_words,
)
from storage.privacy.export import (
    export_user,
)
from storage.privacy.forgotten_words import (
    merge_search_index,
)
from storage.privacy.originals import (
    without_erased_copies,
    without_erased_titles,
)
from storage.privacy.redaction import (
    FORGOTTEN,
    Redactor,
    erased_in_channels,
    redactor_for,
    redactors_for,
    require_hash,
)
from storage.privacy.requests import (
    Erased,
    ErasureRequest,
    erase_user,
    find_request,
    fulfil_request,
    list_requests,
    record_request,
)
from storage.privacy.traces import (
    empty_traces_of,
    note_copies,
)

__all__ = [
    "EXPIRED",
    "FORGOTTEN",
    "Erased",
    "ErasureRequest",
    "Redactor",
    "empty_traces_of",
    "erase_user",
    "erased_in_channels",
    "export_user",
    "find_request",
    "fulfil_request",
    "is_emptied",
    "is_expired",
    "list_requests",
    "merge_search_index",
    "note_copies",
    "record_request",
    "redactor_for",
    "redactors_for",
    "require_hash",
    "take_turn",
    "until_known_to_all",
    "without_content",
    "without_erased_copies",
    "without_erased_titles",
    "without_expired_content",
    "without_words",
]
