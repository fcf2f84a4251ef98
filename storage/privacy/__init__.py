"""A person's request: an erasure, an opt-out, or an export of what is stored. And content that has had its time."""

from storage.privacy.absences import (
    Absence,
    require_hash,
)
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
from storage.privacy.fulfilment import (
    Erased,
)
from storage.privacy.givers import (
    absent_givers,
)
from storage.privacy.opt_outs import (
    MARGIN,
    OptedOutEverywhere,
    OptOut,
    end_opt_out,
    find_opt_out,
    fulfil_opt_out,
    list_opt_outs,
    opt_in,
    opt_out,
    restore_opt_out,
)
from storage.privacy.originals import (
    without_absent_originals,
    without_erased_titles,
)
from storage.privacy.redaction import (
    FORGOTTEN,
    OPTED_OUT,
    Redactor,
    redactor_for,
    redactors_for,
)
from storage.privacy.requests import (
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
    "MARGIN",
    "OPTED_OUT",
    "Absence",
    "Erased",
    "ErasureRequest",
    "OptOut",
    "OptedOutEverywhere",
    "Redactor",
    "absent_givers",
    "empty_traces_of",
    "end_opt_out",
    "erase_user",
    "export_user",
    "find_opt_out",
    "find_request",
    "fulfil_opt_out",
    "fulfil_request",
    "is_emptied",
    "is_expired",
    "list_opt_outs",
    "list_requests",
    "merge_search_index",
    "note_copies",
    "opt_in",
    "opt_out",
    "record_request",
    "redactor_for",
    "redactors_for",
    "require_hash",
    "restore_opt_out",
    "take_turn",
    "until_known_to_all",
    "without_absent_originals",
    "without_content",
    "without_erased_titles",
    "without_expired_content",
    "without_words",
]
