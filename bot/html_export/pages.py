"""The pages of one channel: its messages in their order, each page once, those that are there already left alone."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.records import SkipReason
from bot.html_export.addresses import FolderAddresses
from bot.html_export.files import PageFiles
from bot.html_export.plan import Plan, PlannedChannel, address, bound_of, time_of
from bot.pages import Found, converse
from storage import reading
from storage.export import ArchiveSnapshot
from storage.reading import Hole, MessageWindow, ShownChannel, ShownMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Messages that stand together; ``previous`` is the one before them."""

    index: int
    messages: Sequence[ShownMessage] = ()
    previous: ShownMessage | None = None


@dataclass(slots=True, kw_only=True)
class ChannelPages:
    """Writes the pages of a channel or thread that are not there yet."""

    snapshot: ArchiveSnapshot
    plan: Plan
    files: PageFiles
    channel: ShownChannel
    words: Mapping[SkipReason, str]  # why channels are not archived

    async def write(self) -> None:
        """Write them, the first one first; also one on which nothing is any more, for others lead to it."""
        count = len(self._planned.bounds)
        missing = [index for index in range(count) if not self.files.holds(self._planned.file(index))]
        self.files.progress.kept += count - len(missing)
        if not missing:
            return
        holes, origin = await reading.holes_of(self.snapshot, self.channel), await self._origin()
        left = set(missing)
        async for page in self._pages(missing[0]):
            if page.index in left:
                await self._show(page, holes, origin)
                left.remove(page.index)
        for index in sorted(left):
            await self._show(_Page(index=index), holes, origin)

    @property
    def _planned(self) -> PlannedChannel:
        return self.plan.channels[self.channel.platform_id]

    @property
    def _addresses(self) -> FolderAddresses:
        return FolderAddresses(plan=self.plan, selection=self.snapshot.selection, up="../")

    async def _pages(self, first: int) -> AsyncIterator[_Page]:
        """Yield the pages from a number on, and some messages of the page before it, by which gaps are placed."""
        planned, since = self._planned, time_of(self._planned.bounds[first - 1]) if first else None
        page = _Page(index=-1)
        shown: list[ShownMessage] = []
        async for some in self.snapshot.messages(self.channel, since=since):
            for message in some:
                index = planned.index_of(bound_of(message.sent_at, message.platform_id))
                if index != page.index:
                    if shown:
                        yield page
                    before, shown = shown[-1] if shown else None, []
                    page = _Page(index=index, messages=shown, previous=before)
                shown.append(message)
        if shown:
            yield page

    async def _origin(self) -> str | None:
        """Return where the message is on which a thread hangs: it has the thread's id."""
        channel, parent = self.channel, self.channel.parent_platform_id
        if channel.type != "thread" or parent not in self.plan.channels:
            return None
        message = await self.snapshot.find_message(parent, channel.platform_id)
        return self._addresses.message(parent, channel.platform_id, message)

    async def _show(self, page: _Page, holes: Sequence[Hole], origin: str | None) -> None:
        channel, planned, index = self.channel, self._planned, page.index
        last = len(planned.bounds) - 1
        window = MessageWindow(messages=tuple(page.messages), has_older=index > 0, has_newer=index < last)
        links = await self.snapshot.links(channel, page.messages)
        found = Found(links=links, holes=holes, previous=page.previous)
        talk = await converse(self.snapshot, channel, window, self._addresses, skip_words=self.words, found=found)
        parent = channel.parent_platform_id
        await self.files.write(
            planned.file(index),
            "page.html",
            messages=len(page.messages),
            title=talk.words(channel.name or f"unnamed {channel.platform_id}"),
            up="../",
            talk=talk,
            parent=self._addresses.channel(parent) if channel.type == "thread" and parent else None,
            origin=origin,
            threads=self._addresses.threads(channel.platform_id),
            days=f"../{address(planned.folder)}/days.html" if last else None,
            places={
                "First messages": self._address(0) if index else None,
                "Older messages": self._address(index - 1) if index else None,
                "Newer messages": self._address(index + 1) if index < last else None,
                "Newest messages": self._address(last) if index < last else None,
            },
        )

    def _address(self, index: int) -> str:
        return f"../{address(self._planned.file(index))}"
