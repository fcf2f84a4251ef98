"""Write an export into its folder, file by file; files that are there already are kept."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

from bot.export.folder import ExportFolder, ExportOrder
from bot.export.folder_lock import locked_folder
from bot.export.formats import FORMATS, Split
from bot.export.writers import ExportFacts, ExportWriter
from storage.database import Database
from storage.export import ArchiveSnapshot, ExportedMessage, ExportSelection, open_snapshot
from storage.reading import ShownChannel


@dataclass(slots=True, kw_only=True)
class ExportProgress:
    """How far an export is."""

    estimate: int | None = None  # messages in all, about
    messages: int = 0  # written by this attempt
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
            with locked_folder(self.path):
                await self._write(snapshot)
        return self.progress

    async def _write(self, snapshot: ArchiveSnapshot) -> None:
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
        before = snapshot.content_before
        folder.finish(self._facts() | {"content_removed_before": before.isoformat() if before else None})

    def _facts(self) -> dict[str, int | str | None]:
        """Say what an ended attempt did: what the kept files hold was counted by those that wrote them."""
        done = self.progress
        return {"messages_written": done.messages, "files_written": done.files, "files_kept": done.kept}

    async def _channel(self, snapshot: ArchiveSnapshot, channel: ShownChannel, files: "_Files") -> None:
        if files.holds(channel):
            return
        self.progress.channel = channel.name or channel.platform_id
        async for page in snapshot.pages(channel):
            for name, messages in files.parts(channel, page):
                await files.write(name, channel, messages)
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
            content_before=snapshot.content_before,
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
                self._begin(name, channel, _day(messages[0]))
            self._name = name
        if self._writer is not None:
            await asyncio.to_thread(self._writer.write, messages)
            self._progress.messages += len(messages)

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

    def _begin(self, name: str, channel: ShownChannel, day: date) -> None:
        sink = self._open.enter_context(self._folder.file(name))
        self._writer = self._format.make(sink, self._facts_of(channel, day))

    def _facts_of(self, channel: ShownChannel, day: date) -> ExportFacts:
        """Say of what a file is the whole."""
        if self._order.split is Split.NONE:
            return self._facts
        chosen = self._order.selection
        of_file = _within(chosen, day) if self._order.split is Split.DAY else chosen
        return replace(self._facts, channel=channel, selection=of_file)

    def _file_of(self, channel: ShownChannel) -> str:
        return f"{self._folder.name_of(channel)}.{self._format.suffix}"


def _within(chosen: ExportSelection, day: date) -> ExportSelection:
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=1)
    return replace(chosen, since=max(since, chosen.since or since), until=min(until, chosen.until or until))


def _day(exported: ExportedMessage) -> date:
    return exported.message.sent_at.date()
