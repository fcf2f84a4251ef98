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
    IN_RANGE,
    IdRange,
    lesser,
    number,
    split_by_length,
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
    ChannelBatch,
)

__all__ = [
    "IN_RANGE",
    "ChannelBatch",
    "IdRange",
    "MessageBatch",
    "StoredMessage",
    "delete_stale",
    "delete_stale_attachments",
    "is_changed",
    "is_edited",
    "lesser",
    "mark_deleted",
    "number",
    "save_batch",
    "split_by_length",
    "storable",
    "stored_messages",
    "write_channels",
    "write_rows",
]
