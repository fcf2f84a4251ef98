"""CSV for spreadsheets and everything else: UTF-8, RFC 4180, one row a message.

A spreadsheet takes a cell that begins with = + - or @ for a formula, which a message could use against its reader
(https://owasp.org/www-community/attacks/CSV_Injection). Such a cell, and one that begins with an apostrophe itself,
has an apostrophe put in front: who reads by program takes one leading apostrophe away.
"""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO

import orjson

from bot.export.rows import Row, row_of
from bot.export.writers import ExportFacts, ExportWriter
from storage.export import ExportedMessage

_PLACE = ("tenant_id", "channel_id", "channel", "category", "thread_id", "thread")
_PLAIN = (
    *_PLACE,
    *("message_id", "type", "author", "author_name", "author_kind", "sent_at", "edited_at", "deleted_at", "content"),
)
COLUMNS = (
    *_PLAIN,
    "reply_to_channel_id",
    "reply_to_message_id",
    "reply_to_author",
    "reply_to_excerpt",
    "attachment_count",
    "attachment_names",
    "attachment_urls",
    "reaction_count",
    "reactions",
    "metadata",
)
"""The header. Of several files or emoji in a cell each has a line of its own; a reaction is its count and the emoji."""

GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
"""What a cell begins with that has an apostrophe put in front."""


class CsvWriter(ExportWriter):
    """Writes the header and rows."""

    def __init__(self, sink: BinaryIO, facts: ExportFacts) -> None:
        self._sink = sink
        self._append([COLUMNS])

    def write(self, messages: Sequence[ExportedMessage]) -> None:
        """Append messages."""
        self._append([[cell(value) for value in flat(row_of(one)).values()] for one in messages])

    def finish(self) -> None:
        """Do nothing: the format has no end of its own."""

    def _append(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows(rows)
        self._sink.write(text.getvalue().encode())


def flat(row: Row) -> Row:
    """Put what a row holds several of into one cell each; in the order of COLUMNS."""
    reply, files, given = row["reply_to"] or {}, row["attachments"], row["reactions"]
    return {name: row[name] for name in _PLAIN} | {
        "reply_to_channel_id": reply.get("channel_id"),
        "reply_to_message_id": reply.get("message_id"),
        "reply_to_author": reply.get("author"),
        "reply_to_excerpt": reply.get("excerpt"),
        "attachment_count": len(files),
        "attachment_names": "\n".join(file["filename"] for file in files),
        "attachment_urls": "\n".join(file["url"] for file in files),
        "reaction_count": sum(one["count"] for one in given),
        "reactions": "\n".join(f"{one['count']} {one['emoji']}" for one in given),
        "metadata": orjson.dumps(row["metadata"]).decode(),
    }


def cell(value: object) -> str:
    """Write a value: nothing for null, times as ISO 8601 in UTC, text so that no spreadsheet takes it for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(GUARDED) else text
