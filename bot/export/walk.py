"""Write an export into its folder, file by file; files that are there already are kept."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path

from bot.export.folder import ExportFolder, ExportOrder
from bot.export.formats import FORMATS, Split
from bot.export.writers import ExportFacts, ExportWriter
from storage.database import Database
from storage.export import ArchiveSnapshot, ExportedMessage, open_snapshot
from storage.reading import ShownChannel


@dataclass(slots=True, kw_only=True)
class ExportProgress:
    """How far an export is."""

    estimate: int | None = None  # messages in all, about
    messages: int = 0  # written
    files: int = 0
    kept: int = 0  # files that were there already, of an earlier attempt
    channel: str = ""


OnProgress = Callable[[ExportProgress], None]


@dataclass(kw_only=True)
class FolderExport:
    """One attempt at an export."""

    db: Database
    order: ExportOrder
    path: Path
    on_progress: OnProgress = lambda _: None
    progress: ExportProgress = field(default_factory=ExportProgress)

    async def run(self) -> ExportProgress:
        """Write what is not there yet, from one snapshot.

        Raises:
            FolderRefused: the folder cannot take this export.
            FormatUnavailable: a library that the format needs is missing.
            StorageError: the archive cannot be read; also where it knows no such tenant or channel.
        """
        async with open_snapshot(self.db, self.order.selection) as snapshot:
            folder = ExportFolder(self.path, self.order)
            self.order = await asyncio.to_thread(folder.begin, snapshot.taken_at)
            snapshot.selection = self.order.selection
            self.progress.estimate = await snapshot.estimate_messages()
            files = _Files(folder, self.order, snapshot, self.progress)
            try:
                async for channel in snapshot.channels():
                    await self._channel(snapshot, channel, files)
                await files.close()
            finally:
                files.give_up()
            folder.finish({"messages": self.progress.messages, "files": self.progress.files + self.progress.kept})
        return self.progress

    async def _channel(self, snapshot: ArchiveSnapshot, channel: ShownChannel, files: "_Files") -> None:
        if files.holds(channel):
            return
        self.progress.channel = channel.name or channel.platform_id
        async for page in snapshot.pages(channel):
            for name, messages in files.parts(channel, page):
                await files.write(name, channel, messages)
            self.progress.messages += len(page)
            self.on_progress(self.progress)
        if self.order.split is not Split.NONE:
            await files.close()


class _Files:
    """The one file that is being written, and which comes next."""

    def __init__(
        self, folder: ExportFolder, order: ExportOrder, snapshot: ArchiveSnapshot, progress: ExportProgress
    ) -> None:
        self._folder, self._order, self._progress = folder, order, progress
        self._format = FORMATS[order.format]
        self._facts = ExportFacts(
            tenant_id=order.selection.tenant_id,
            tenant_name=snapshot.tenant_name,
            taken_at=snapshot.taken_at,
            selection=order.selection,
            channel=None,
        )
        self._name: str | None = None
        self._writer: ExportWriter | None = None
        self._open = ExitStack()

    def holds(self, channel: ShownChannel) -> bool:
        """Return whether the file of a channel is there."""
        if self._order.split is not Split.CHANNEL or not self._folder.holds(self._file_of(channel)):
            return False
        self._progress.kept += 1
        return True

    def parts(self, channel: ShownChannel, page: list[ExportedMessage]) -> Iterator[tuple[str, list[ExportedMessage]]]:
        """Divide a page of a channel by the files that its messages belong to."""
        if self._order.split is Split.NONE:
            yield f"{self._order.selection.tenant_id}.{self._format.suffix}", page
        elif self._order.split is Split.CHANNEL:
            yield self._file_of(channel), page
        else:
            for day, messages in groupby(page, _day):
                yield f"{self._folder.name_of(channel)}/{day}.{self._format.suffix}", list(messages)

    async def write(self, name: str, channel: ShownChannel, messages: list[ExportedMessage]) -> None:
        """Append messages to a file, after finishing the one before; a day that is there already is left alone."""
        if name != self._name:
            await self.close()
            if self._folder.holds(name):
                self._progress.kept += 1
            else:
                self._begin(name, channel)
            self._name = name
        if self._writer is not None:
            await asyncio.to_thread(self._writer.write, messages)

    async def close(self) -> None:
        """Finish the open file: from now on it is there."""
        if self._writer is not None:
            await asyncio.to_thread(self._writer.finish)
            await asyncio.to_thread(self._open.close)
            self._progress.files += 1
        self._writer = self._name = None

    def give_up(self) -> None:
        """Leave nothing of a file that was not finished; nothing is open where all of them were."""
        if self._writer is not None:
            self._writer.abandon()
        self._open.__exit__(asyncio.CancelledError, asyncio.CancelledError(), None)

    def _begin(self, name: str, channel: ShownChannel) -> None:
        facts = self._facts if self._order.split is Split.NONE else replace(self._facts, channel=channel)
        sink = self._open.enter_context(self._folder.file(name))
        self._writer = self._format.make(sink, facts)

    def _file_of(self, channel: ShownChannel) -> str:
        return f"{self._folder.name_of(channel)}.{self._format.suffix}"


def _day(exported: ExportedMessage) -> date:
    return exported.message.sent_at.date()
