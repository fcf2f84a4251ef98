"""Proves what an empty page only suggests, before anything is believed of it: that nothing lies behind a message.

A platform may answer with an empty page where the bot may not read, as Discord does without Read Message History, and
what was known of the bot's permissions when the page was asked for may be old. So an empty page is a doubt, which a job
keeps until the end of its pass. Then it is asked for again, from the message before it: where that message shows, the
bot may read there and nothing lies behind. Where it is gone too, a page that is still empty between two evaluations of
who may read what is as good.
"""

from contextlib import ExitStack
from dataclasses import dataclass

from adapters.base import Access, PlatformSession
from adapters.errors import CallFailed, ChannelUnreadable
from adapters.records import SkipReason
from adapters.slices import in_slices
from bot.concurrency import for_each
from bot.live import ChangeTracker
from bot.sync.context import AnyChannel, EmptyPage, JobContext
from bot.sync.pages import Answer, read_behind


class Unproven(CallFailed):
    """A page was empty, and then there was something behind it after all."""

    code = "unproven_end"
    remedy = "nothing need be done: the next sync reads on from there"


@dataclass(slots=True)
class _Open:
    """An empty page that is being asked for again."""

    doubt: EmptyPage
    tracker: ChangeTracker
    mark: int = 0

    @property
    def channel(self) -> AnyChannel:
        return self.doubt.channel

    async def ask(self, session: PlatformSession, *, with_witness: bool) -> Answer:
        self.mark = self.tracker.mark()
        doubt = self.doubt
        answer = await read_behind(
            session, doubt.channel.platform_id, doubt.after, parent_id=doubt.parent_id, with_witness=with_witness
        )
        if answer.reached:
            raise Unproven("a page was empty, and asked for again it was not", attempts=1)
        return answer

    async def believe(self) -> None:
        await self.doubt.believe(self.tracker, self.mark)


@dataclass(frozen=True, slots=True)
class ProofPass:
    """One job's way through the empty pages that it met."""

    job: JobContext

    async def run(self) -> None:
        """Prove each of them, and let what follows from it be done; where that fails, the channel has failed."""
        left = await self._prove_by_witnesses(self.job.take_doubts())
        if not left:
            return
        with ExitStack() as trackers:

            def open_one(doubt: EmptyPage) -> _Open:
                return _Open(doubt, trackers.enter_context(self.job.tracking(doubt.channel)))

            await self._prove_by_evaluations(await in_slices(left, open_one))

    async def _prove_by_witnesses(self, doubts: list[EmptyPage]) -> list[EmptyPage]:
        """Ask again from the message before each; return those that are empty still."""
        left = [doubt for doubt in doubts if doubt.after is None]  # an empty channel has no witness

        async def ask(doubt: EmptyPage) -> None:
            async with self.job.guard(doubt.channel):
                with self.job.tracking(doubt.channel) as tracker:
                    one = _Open(doubt, tracker)
                    if (await one.ask(self.job.session, with_witness=True)).is_proven:
                        await one.believe()
                    else:
                        left.append(doubt)

        others = [doubt for doubt in doubts if doubt.after is not None]
        await for_each(others, self.job.config.concurrent_channels, ask)
        return left

    async def _prove_by_evaluations(self, left: list[_Open]) -> None:
        """Ask once more between two evaluations: what the bot may read before and after is empty in between."""
        asked: list[_Open] = []

        async def ask(one: _Open) -> None:
            async with self.job.guard(one.channel):
                await one.ask(self.job.session, with_witness=False)
                asked.append(one)

        await for_each(await self._readable(left), self.job.config.concurrent_channels, ask)
        for one in await self._readable(asked):
            async with self.job.guard(one.channel):
                await one.believe()

    async def _readable(self, waiting: list[_Open]) -> list[_Open]:
        """Return those that the bot may read by an evaluation that begins now; give the others up."""
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
        if access.may_read(one.channel.platform_id, one.doubt.parent_id):
            return True
        await self.job.give_up(one.channel, ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS))
        return False
