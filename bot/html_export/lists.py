"""What leads through an export: its first page, the days of a channel, its threads. Every attempt writes them anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from adapters.records import SkipReason
from bot.api import coverage_statement
from bot.html_export.addresses import FolderAddresses
from bot.html_export.cuts import DayOnPages
from bot.html_export.files import PageFiles
from bot.html_export.plan import Plan, PlannedChannel, address
from bot.pages import Category, Place, TreeRow, as_words, tree_of
from bot.wording import GAPS_IN_WORDS
from storage import reading, repair, tenants
from storage.export import ArchiveSnapshot
from storage.reading import ShownChannel

_THREADS = 500  # on a page


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLists:
    """Writes them."""

    snapshot: ArchiveSnapshot
    plan: Plan
    files: PageFiles
    words: Mapping[SkipReason, str]  # why channels are not archived

    async def write_days(self, channel: ShownChannel, planned: PlannedChannel, days: Sequence[DayOnPages]) -> None:
        """List the days of a channel that has several pages, by month."""
        months = [(f"{first:%B %Y}", list(of_month)) for first, of_month in groupby(days, _month)]
        await self.files.write(
            f"{planned.folder}/days.html",
            "days.html",
            title=self._words(channel.name, channel.platform_id),
            up="../",
            first=f"../{address(planned.file(0))}",
            months=months,
            pages=[f"../{address(planned.file(index))}" for index in range(len(planned.bounds))],
        )

    async def write_threads(self) -> None:
        """List the threads and posts of each channel that has some, those that were first seen last at first."""
        for channel_id in self.plan.threads:
            channel = await reading.channel_of(self.snapshot, self.snapshot.selection.tenant_id, channel_id)
            if channel is not None:
                await self._write_threads(channel)

    async def write_index(self, *, messages: int) -> None:
        """Say what the export is of, and lead to its channels."""
        selection = self.snapshot.selection
        tenant = await tenants.get_tenant(self.snapshot, selection.tenant_id)
        coverage = await repair.coverage(self.snapshot, selection.tenant_id)
        tree = await tree_of(self.snapshot, selection.tenant_id, self.words)
        await self.files.write(
            "index.html",
            "index.html",
            title=self._words(self.snapshot.tenant_name, selection.tenant_id),
            up="",
            selection=selection,
            total=messages,
            attempts=self.files.folder.attempts,
            channels=[
                self._words(channel.name if channel else None, channel_id)
                for channel_id in selection.channels
                for channel in [await reading.channel_of(self.snapshot, selection.tenant_id, channel_id)]
            ],
            complete_at=tenant.last_successful_sync_at if tenant else None,
            coverage=coverage_statement(coverage) if coverage and coverage.audited_at else None,
            gaps=await repair.list_gaps(self.snapshot, selection.tenant_id),
            gaps_in_words=GAPS_IN_WORDS,
            content_before=self.snapshot.content_before,
            strays=[self._told(thread, self._addresses("")) for thread in self.plan.strays],
            tree=[chosen for category in tree if (chosen := self._chosen(category)).rows],
            addresses=self._addresses(""),
            taken={channel_id: planned.messages for channel_id, planned in self.plan.channels.items()},
        )

    async def _write_threads(self, channel: ShownChannel) -> None:
        """Write the list of a channel's threads, page by page."""
        number, after, rest = 1, None, self.plan.threads[channel.platform_id]
        while rest > 0:
            found = await reading.threads_of(self.snapshot, channel, after=after, limit=_THREADS)
            if not found:
                return
            after = found[-1].id
            shown = [thread for thread in found if thread.platform_id in self.plan.channels]
            rest -= len(shown)
            if shown or not rest:
                await self._write_thread_page(channel, shown, number=number, has_more=rest > 0)
                number += 1

    async def _write_thread_page(
        self, channel: ShownChannel, shown: Sequence[ShownChannel], *, number: int, has_more: bool
    ) -> None:
        addresses = self._addresses("../")
        await self.files.write(
            f"{self.plan.folders[channel.platform_id]}/{_list_name(number)}",
            "threads.html",
            title=self._words(channel.name, channel.platform_id),
            up="../",
            kind="Posts" if channel.type == "forum" else "Threads",
            channel=addresses.channel(channel.platform_id) if channel.platform_id in self.plan.channels else None,
            threads=[self._told(thread, addresses) for thread in shown],
            before=_list_name(number - 1) if number > 1 else None,
            behind=_list_name(number + 1) if has_more else None,
        )

    def _told(self, thread: ShownChannel, addresses: FolderAddresses) -> tuple[str, str | None, int]:
        """Return a thread's name, where its first page is, and how many messages are on its pages."""
        taken = self.plan.channels[thread.platform_id].messages
        return self._words(thread.name, thread.platform_id), addresses.thread(thread.platform_id), taken

    def _chosen(self, category: Category) -> Category:
        """Leave out channels that were not requested."""
        return replace(category, rows=[row for row in category.rows if self._is_chosen(row)])

    def _is_chosen(self, row: TreeRow) -> bool:
        channel_id, chosen = row.view.platform_id, self.snapshot.chosen
        return not chosen or channel_id in chosen or channel_id in self.plan.threads

    def _addresses(self, up: str) -> FolderAddresses:
        return FolderAddresses(plan=self.plan, selection=self.snapshot.selection, up=up)

    def _words(self, name: str | None, platform_id: str) -> str:
        return as_words(name or f"unnamed {platform_id}", Place(addresses=self._addresses("")))


def _month(day: DayOnPages) -> object:
    return day.day.replace(day=1)


def _list_name(number: int) -> str:
    return "threads.html" if number == 1 else f"threads-{number}.html"
