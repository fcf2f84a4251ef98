"""Write an export as pages: settle which page holds what, write the pages that are not there, then what leads there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.records import SkipReason
from bot.export import ExportFolder, ExportOrder, ExportProgress, locked_folder
from bot.html_export.cuts import Cuts
from bot.html_export.files import PageFiles
from bot.html_export.lists import ExportLists
from bot.html_export.pages import ChannelPages
from bot.html_export.plan import Bound, Plan, PlannedChannel, read_plan
from bot.html_export.rendering import PageRenderer, noted_on
from bot.pages import page_files
from bot.skip_words import NEUTRAL
from storage.database import Database
from storage.export import ArchiveSnapshot, open_snapshot
from storage.reading import ShownChannel

_NEEDED = ("style.css", "favicon.svg")


@dataclass(kw_only=True)
class HtmlExport:
    """One attempt at an export as pages."""

    db: Database
    order: ExportOrder
    path: Path
    page_size: int = 500  # messages
    skip_words: Mapping[SkipReason, str] = field(default_factory=lambda: NEUTRAL)  # of the tenant's platform
    on_progress: Callable[[ExportProgress], None] = lambda _: None
    progress: ExportProgress = field(default_factory=ExportProgress)

    async def run(self) -> ExportProgress:
        """Write what is not there yet, from one snapshot.

        Raises:
            FolderRefused: the folder cannot take this export.
            StorageError: the archive cannot be read; also where it knows no such tenant or channel.
        """
        async with open_snapshot(self.db, self.order.selection) as snapshot:
            with locked_folder(self.path):
                await self._write(snapshot)
        return self.progress

    async def _write(self, snapshot: ArchiveSnapshot) -> None:
        folder = ExportFolder(self.path, self.order)
        order = await asyncio.to_thread(folder.begin, snapshot.taken_at)
        snapshot.selection = order.selection
        renderer = PageRenderer(tenant=snapshot.tenant_name or order.selection.tenant_id, taken_at=snapshot.taken_at)
        files = PageFiles(folder=folder, renderer=renderer, progress=self.progress, on_progress=self.on_progress)
        for name in _NEEDED:
            files.copy(name, page_files()[name])
        plan = await self._plan(snapshot, files)
        await asyncio.to_thread(plan.save, folder)
        async for channel in snapshot.channels():
            if channel.platform_id in plan.channels:
                self.progress.channel = channel.name or channel.platform_id
                await ChannelPages(
                    snapshot=snapshot, plan=plan, files=files, channel=channel, words=self.skip_words
                ).write()
        await self._finish(ExportLists(snapshot=snapshot, plan=plan, files=files, words=self.skip_words))

    async def _plan(self, snapshot: ArchiveSnapshot, files: PageFiles) -> Plan:
        """Cut every channel into pages, by the plan of an earlier attempt where there is one."""
        earlier, plan = read_plan(self.path), Plan()
        lists = ExportLists(snapshot=snapshot, plan=plan, files=files, words=self.skip_words)
        self.progress.estimate = 0
        async for channel in snapshot.channels():
            known = earlier.channels.get(channel.platform_id)
            planned = known or PlannedChannel(folder=files.folder.name_of(channel))
            cuts = await self._cut(snapshot, channel, planned, files)
            self.progress.estimate += cuts.to_write
            if cuts.bounds:
                planned.bounds, planned.messages = cuts.bounds, cuts.messages
                plan.take(channel, planned, files.folder)
            if len(cuts.bounds) > 1:
                await lists.write_days(channel, planned, cuts.days)
        return plan

    async def _cut(
        self, snapshot: ArchiveSnapshot, channel: ShownChannel, planned: PlannedChannel, files: PageFiles
    ) -> Cuts:
        def is_kept(bound: Bound) -> bool:
            return files.holds(f"{planned.folder}/{bound[1]}.html")

        cuts = Cuts(planned.bounds, is_kept, size=self.page_size)
        async for some in snapshot.outlines(channel):
            for message in some:
                cuts.add(message)
        cuts.finish()
        return cuts

    async def _finish(self, lists: ExportLists) -> None:
        """Write what leads to the pages, the first page last: where it is there, all is."""
        await lists.write_threads()
        pages = [self.path / name for name in lists.plan.files()]
        messages = await asyncio.to_thread(lambda: sum(map(noted_on, pages)))
        await lists.write_index(messages=messages)
        done, before = self.progress, lists.snapshot.content_before
        facts = {"messages_written": done.messages, "files_written": done.files, "files_kept": done.kept}
        facts |= {"messages": messages, "pages": len(pages)}
        lists.files.folder.finish(facts | {"content_removed_before": before.isoformat() if before else None})
