"""Parquet, by pyarrow, which is large and therefore an extra: an explicit schema, written in row groups."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from bot.export.rows import Row, row_of
from bot.export.writers import ExportFacts, ExportWriter
from storage.export import ExportedMessage

if TYPE_CHECKING:
    import pyarrow as pa

_GROUP = 10_000  # messages
_GROUP_USERS = 100_000  # behind the reactions to them, who are held in memory, too
_INSTALL = (
    "Parquet needs pyarrow, which is not installed: pip install -r requirements/export.lock (in a checkout "
    ".venv/bin/python -m pip install -r requirements/export.lock), or choose another format"
)


class FormatUnavailable(Exception):
    """A library that the format needs is not installed; the message says how to install it."""


class ParquetWriter(ExportWriter):
    """Gathers messages into row groups; the file's footer, written last, makes it a whole one."""

    def __init__(self, sink: BinaryIO, facts: ExportFacts) -> None:
        try:
            import pyarrow.parquet as parquet
        except ImportError as e:
            raise FormatUnavailable(_INSTALL) from e
        values = {"tenant_id": facts.tenant_id, "taken_at": facts.taken_at.isoformat()}
        if facts.content_before:
            values["content_removed_before"] = facts.content_before.isoformat()
        self._schema = schema().with_metadata({f"platform-sync.{name}": value for name, value in values.items()})
        self._file = parquet.ParquetWriter(sink, self._schema, compression="zstd")
        self._waiting: list[Row] = []
        self._users = 0  # of the rows that wait

    def write(self, messages: Sequence[ExportedMessage]) -> None:
        """Append messages."""
        self._waiting += [_row(one) for one in messages]
        self._users += sum(len(given.user_hashes) for one in messages for given in one.message.reactions)
        if len(self._waiting) >= _GROUP or self._users > _GROUP_USERS:
            self._write_group()

    def finish(self) -> None:
        """Write the last row group and the footer."""
        if self._waiting:
            self._write_group()
        self._file.close()

    def abandon(self) -> None:
        """Keep pyarrow from writing a footer when the writer is collected: by then the sink is closed."""
        self._file.is_open = False

    def _write_group(self) -> None:
        import pyarrow as pa

        self._file.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema))
        self._waiting, self._users = [], 0


def schema() -> "pa.Schema":
    """Return the columns with their types; ``metadata`` is JSON as text: its keys differ from message to message."""
    import pyarrow as pa

    time, text = pa.timestamp("us", tz="UTC"), pa.string()
    texts = ("tenant_id", "channel_id", "channel", "category", "thread_id", "thread", "message_id", "type", "author")
    reply = dict.fromkeys(("channel_id", "message_id", "author", "author_name", "excerpt"), text)
    file: dict[str, Any] = dict.fromkeys(("id", "filename", "content_type", "url"), text)
    given = {"emoji": text, "emoji_id": text, "burst": pa.bool_(), "count": pa.int64(), "users": pa.list_(text)}
    return pa.schema(
        [(name, text) for name in (*texts, "author_name", "author_kind")]
        + [(name, time) for name in ("sent_at", "edited_at", "deleted_at")]
        + [
            ("content", text),
            ("reply_to", _struct({**reply, "sent_at": time, "is_archived": pa.bool_()})),
            ("attachments", pa.list_(_struct({**file, "size_bytes": pa.int64(), "url_expires_at": time}))),
            ("reactions", pa.list_(_struct(given))),
            ("metadata", text),
        ]
    )


def _struct(fields: "dict[str, pa.DataType]") -> "pa.StructType":
    import pyarrow as pa

    return pa.struct(list(fields.items()))


def _row(exported: ExportedMessage) -> Row:
    row = row_of(exported)
    return row | {"metadata": orjson.dumps(row["metadata"]).decode()}
