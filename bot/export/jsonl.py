"""JSON Lines: one message a line, and a last line that says how many there are and what they hash to.

A file without that line, or with another count or hash, is not whole: our reader refuses it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bot.export.rows import row_of
from bot.export.writers import ExportFacts, ExportWriter
from storage.export import ExportedMessage

_LINE = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z


class IncompleteExport(Exception):
    """A file is not a whole export; the message says why."""


class JsonlWriter(ExportWriter):
    """Writes rows, then the trailer: its ``sha256`` is that of all bytes before it."""

    def __init__(self, sink: BinaryIO, facts: ExportFacts) -> None:
        self._sink, self._facts = sink, facts
        self._hash, self._count = hashlib.sha256(), 0

    def write(self, messages: Sequence[ExportedMessage]) -> None:
        """Append messages."""
        lines = b"".join(orjson.dumps({"kind": "message"} | row_of(one), option=_LINE) for one in messages)
        self._hash.update(lines)
        self._count += len(messages)
        self._sink.write(lines)

    def finish(self) -> None:
        """Write the trailer."""
        trailer = {
            "kind": "trailer",
            "format": "platform-sync-export/1",
            "tenant_id": self._facts.tenant_id,
            "tenant": self._facts.tenant_name,
            "taken_at": self._facts.taken_at,
            "content_removed_before": self._facts.content_before,
            "selection": _selection(self._facts),
            "count": self._count,
            "sha256": self._hash.hexdigest(),
            "complete": True,
        }
        self._sink.write(orjson.dumps(trailer, option=_LINE))


def _selection(facts: ExportFacts) -> dict[str, Any]:
    """Return of what the file is the whole; ``channel`` is the only one that it may hold, of a file of one."""
    chosen = facts.selection
    return {
        "channel": facts.channel.platform_id if facts.channel else None,
        "channels": sorted(chosen.channels),
        "since": chosen.since,
        "until": chosen.until,
        "author": chosen.author,
        "include_deleted": chosen.include_deleted,
    }


def read_jsonl(file: Path) -> Iterator[dict[str, Any]]:
    """Yield the messages of an export, as dictionaries; the trailer is checked at the end.

    Raises:
        IncompleteExport: there is no trailer, or it is of other messages.
    """
    digest, count, trailer = hashlib.sha256(), 0, None
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            row = _parsed(line, number)
            if trailer is not None:
                raise IncompleteExport(f"{file}: line {number} stands behind the trailer")
            if row.get("kind") == "trailer":
                trailer = row
                continue
            digest.update(line)
            count += 1
            yield row
    _require(file, trailer, count, digest.hexdigest())


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as e:
        raise IncompleteExport(f"line {number} is not JSON: it was cut off or changed, or is no export as jsonl") from e
    if not isinstance(row, dict):
        raise IncompleteExport(f"line {number} is no message")
    return row


def _require(file: Path, trailer: dict[str, Any] | None, count: int, digest: str) -> None:
    if trailer is None or trailer.get("complete") is not True:
        raise IncompleteExport(f"{file}: the trailer is missing, so messages may be missing, too; export it again")
    if trailer.get("count") != count:
        raise IncompleteExport(f"{file}: it holds {count:,} messages, and was written with {trailer.get('count')}")
    if trailer.get("sha256") != digest:
        raise IncompleteExport(f"{file}: it was changed since it was written")
