"""Messages, with their attachments and reaction totals."""

from storage.messages.batch import MessageBatch, mark_deleted, save_batch
from storage.messages.deletion import mark_rows_deleted, unmark_rows_deleted
from storage.messages.diff import StoredMessage, is_changed, is_edited, is_withheld, stored_messages
from storage.messages.id_ranges import IN_RANGE, IdRange, Newest, later, lesser, split_by_length
from storage.messages.isolation import apart_where_refused
from storage.messages.links import FileLink, find_link, renew_links
from storage.messages.presence import BEGINNING, has_absent
from storage.messages.refetch import Changed, MessageRef, add_refetches, refetch, refetch_read_elsewhere
from storage.messages.replies import mark_answers_to_deleted
from storage.messages.rows import PreparedMessages, prepare, write_messages, write_users_along
from storage.messages.search_queue import EPOCH, ID_BITS, LATEST, PLACE, index_new_messages

__all__ = [
    "BEGINNING",
    "EPOCH",
    "ID_BITS",
    "IN_RANGE",
    "LATEST",
    "PLACE",
    "Changed",
    "FileLink",
    "IdRange",
    "MessageBatch",
    "MessageRef",
    "Newest",
    "PreparedMessages",
    "StoredMessage",
    "add_refetches",
    "apart_where_refused",
    "find_link",
    "has_absent",
    "index_new_messages",
    "is_changed",
    "is_edited",
    "is_withheld",
    "later",
    "lesser",
    "mark_answers_to_deleted",
    "mark_deleted",
    "mark_rows_deleted",
    "prepare",
    "refetch",
    "refetch_read_elsewhere",
    "renew_links",
    "save_batch",
    "split_by_length",
    "stored_messages",
    "unmark_rows_deleted",
    "write_messages",
    "write_users_along",
]
