"""Prove that nothing lies behind a message where the platform sent an empty page.

A platform may send an empty page where the bot may not read, as Discord does without Read Message History, and the
known permissions may be stale. So an empty page is unproven, and the job keeps it until the end of its pass. Then the
page is requested again, beginning with the message before it (the witness): where that message is on it, the bot may
read there and nothing lies behind. A channel that seems empty as a whole has none: it is requested from the message on
that should be there, such as its head. Where that gives nothing either, a page that is still empty between two
evaluations of the bot's access is a proof.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

from adapters.base import PlatformSession
from adapters.errors import CallFailed, ChannelUnreadable
from adapters.pages import Access
from adapters.records import SkipReason
from adapters.slices import in_slices
from bot.concurrency import for_each
from bot.live import ChangeTracker
from bot.sync.channel import AnyChannel, EmptyPage
from bot.sync.context import JobContext
from bot.sync.pages import Answer, read_behind


class Unproven(CallFailed):
    """A page was empty, and not empty when it was requested again."""

    code = "unproven_end"
    remedy = "nothing need be done: the next sync reads on from there"


@dataclass(slots=True)
class _Open:
    """An unproven page that is being requested again."""

    page: EmptyPage
    tracker: ChangeTracker
    mark: int = 0
    visible_since: datetime | None = None

    @property
    def channel(self) -> AnyChannel:
        return self.page.channel

    async def request(self, session: PlatformSession, *, with_witness: bool) -> Answer:
        self.mark = self.tracker.mark()
        page = self.page
        answer = await read_behind(
            session, page.channel.platform_id, page.after, parent_id=page.parent_id, with_witness=with_witness
        )
        if answer.reached:
            raise Unproven("a page was empty, and not when it was requested again", attempts=1)
        self.visible_since = answer.visible_since
        return answer

    async def seek_expected(self, session: PlatformSession) -> None:
        """Request the page that begins with the message that should be there."""
        page = self.page
        answer = await read_behind(
            session, page.channel.platform_id, page.expected, parent_id=page.parent_id, with_witness=True
        )
        if answer.is_proven:
            raise Unproven("a channel was sent as empty, and is not", attempts=1)

    async def accept(self) -> None:
        await self.page.accept(self.tracker, self.mark, self.visible_since)


@dataclass(frozen=True, slots=True)
class ProofPass:
    """Proves the empty pages of one job."""

    job: JobContext

    async def run(self) -> None:
        """Prove each empty page and apply its consequences; a page that cannot be proven fails its channel."""
        left = await self._prove_by_witnesses(self.job.take_unproven())
        if not left:
            return
        with ExitStack() as trackers:

            def open_one(page: EmptyPage) -> _Open:
                return _Open(page, trackers.enter_context(self.job.tracking(page.channel)))

            await self._prove_by_evaluations(await in_slices(left, open_one))

    async def _prove_by_witnesses(self, pages: list[EmptyPage]) -> list[EmptyPage]:
        """Request each page beginning with its witness; return those that are still empty."""
        left = [page for page in pages if page.after is None and page.expected is None]

        async def request(page: EmptyPage) -> None:
            async with self.job.guard(page.channel):
                with self.job.tracking(page.channel) as tracker:
                    one = _Open(page, tracker)
                    if page.after is None:
                        await one.seek_expected(self.job.session)
                        left.append(page)
                    elif (await one.request(self.job.session, with_witness=True)).is_proven:
                        await one.accept()
                    else:
                        left.append(page)

        others = [page for page in pages if page.after is not None or page.expected is not None]
        await for_each(others, self.job.config.concurrent_channels, request)
        return left

    async def _prove_by_evaluations(self, left: list[_Open]) -> None:
        """Request each page between two evaluations of access: readable before and after, it is really empty."""
        empty: list[_Open] = []

        async def request(one: _Open) -> None:
            async with self.job.guard(one.channel):
                await one.request(self.job.session, with_witness=False)
                empty.append(one)

        await for_each(await self._readable(left), self.job.config.concurrent_channels, request)
        for one in await self._readable(empty):
            async with self.job.guard(one.channel):
                await one.accept()

    async def _readable(self, waiting: list[_Open]) -> list[_Open]:
        """Return the pages whose channels the bot may read by an evaluation that begins now; give up the others."""
        if not waiting:
            return []
        try:
            access = await self.job.session.access()
        except CallFailed as e:
            for one in waiting:
                await self.job.give_up(one.channel, e, attempts=e.attempts)
            return []
        return [one for one in waiting if await self._is_readable(one, access)]

    async def _is_readable(self, one: _Open, access: Access) -> bool:
        if access.may_read(one.channel.platform_id, one.page.parent_id):
            return True
        await self.job.give_up(one.channel, ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS))
        return False
