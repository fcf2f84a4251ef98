"""An export as one stream of bytes, for who asks over HTTP: nothing is written to disk here."""

import asyncio
from collections.abc import AsyncIterator
from io import RawIOBase
from typing import BinaryIO, cast

from bot.export.formats import FORMATS, ExportFormat
from bot.export.writers import ExportFacts
from storage.database import Database
from storage.export import ArchiveSnapshot, ExportSelection, open_snapshot
from storage.reading import ShownChannel


class _Sink(RawIOBase):
    """Takes what a writer writes, until it is taken away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def tell(self) -> int:
        """Return how much was written in all."""
        return self._length

    def write(self, data: object) -> int:
        """Take a copy: the writer may use its memory again."""
        part = bytes(data)  # type: ignore[call-overload] # whatever is like bytes
        self._parts.append(part)
        self._length += len(part)
        return len(part)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


async def stream_export(db: Database, selection: ExportSelection, form: ExportFormat) -> AsyncIterator[bytes]:
    """Yield the bytes of one file that holds the selection; the first ones once a snapshot was taken.

    A format of one channel takes the only channel of the selection, without its threads.

    Raises:
        FormatUnavailable: a library that the format needs is missing.
        NotOneChannel: the format holds one channel, and the selection does not name one.
        StorageError: the archive cannot be read; also where it knows no such tenant or channel.
    """
    async with open_snapshot(db, selection) as snapshot:
        of_one = FORMATS[form].is_of_one_channel
        only = await _only_channel(snapshot) if of_one else None
        facts = ExportFacts(
            tenant_id=selection.tenant_id,
            tenant_name=snapshot.tenant_name,
            taken_at=snapshot.taken_at,
            content_before=snapshot.content_before,
            selection=selection,
            channel=only,
        )
        sink = _Sink()
        writer = FORMATS[form].make(cast("BinaryIO", sink), facts)
        try:
            yield sink.take()
            async for channel in snapshot.channels():
                if of_one and channel != only:
                    continue
                async for page in snapshot.pages(channel):
                    await asyncio.to_thread(writer.write, page)
                    if part := sink.take():
                        yield part
            await asyncio.to_thread(writer.finish)
            yield sink.take()
        except BaseException:  # whoever took the parts has gone, too
            writer.abandon()
            raise


async def _only_channel(snapshot: ArchiveSnapshot) -> ShownChannel | None:
    """Return the channel that a selection names, if it names one."""
    named = snapshot.selection.channels
    async for channel in snapshot.channels():
        if named == (channel.platform_id,):
            return channel
    return None
