"""Messages, with their attachments and reaction totals."""

from storage.messages.batch import (
    MessageBatch,
    mark_deleted,
    save_batch,
)
from storage.messages.diff import (
    is_changed,
    is_edited,
)
from storage.messages.id_ranges import (
    IN_SPAN,
    IdSpan,
    lesser,
    number,
    spans,
)
from storage.messages.rows import (
    StoredMessage,
    storable,
    stored_messages,
    write_channels,
    write_rows,
)
from storage.messages.stale import (
    delete_stale,
    delete_stale_attachments,
)
from storage.messages.told import (
    ToldMessages,
)

__all__ = [
    "IN_SPAN",
    "IdSpan",
    "MessageBatch",
    "StoredMessage",
    "ToldMessages",
    "delete_stale",
    "delete_stale_attachments",
    "is_changed",
    "is_edited",
    "lesser",
    "mark_deleted",
    "number",
    "save_batch",
    "spans",
    "storable",
    "stored_messages",
    "write_channels",
    "write_rows",
]
