"""Syncs one tenant: list its channels, read each from its checkpoint up to the head that the listing gave, read again
what may have changed unseen, then fetch the users behind the reactions.

Knows no platform. Every batch is one transaction with its checkpoint, so being cut off anywhere loses nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from adapters.records import ChannelType
from bot.concurrency import for_each
from bot.pickled import PickledList
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.channels import ChannelListing
from bot.sync.context import JobContext
from bot.sync.messages import ChannelReader
from bot.sync.proof import ProofPass
from bot.sync.reactions import ReactionPass
from bot.sync.repairs import RepairPass
from bot.sync.threads import ThreadListing
from storage import channels, reactions, repair, tenants
from storage.channels import ChannelState, ProgressState


@dataclass(frozen=True, slots=True)
class TenantSync:
    """One job's walk through one tenant."""

    job: JobContext

    async def run(self) -> None:
        """Read everything that is new, then what may have changed.

        A channel that gives up is named in the progress and in its row, and does not hold up the others.

        Raises:
            PlatformError, StorageError: the job has to end.
        """
        threads = ThreadListing(self.job)
        try:
            await ChannelListing(self.job, threads).run()
            others = await self._read()
        except BaseException:
            await threads.keep()
            raise
        if threads.was_interrupted:
            await channels.forget_listings(self.job.db, self.job.tenant_id)
        await self._repair()
        if self.job.config.reaction_users:
            await ReactionPass(self.job).run()
            await self.job.settle_refusals()
        await self.job.settle_hidden()
        await self._clear_errors(others)

    async def _read(self) -> PickledList[ChannelState]:
        """Read what has news; return the channels that have none and that had failed before."""
        job, estimator = self.job, self.job.progress.estimator
        # A thread is rarely long; what starts last should not have the longest way.
        long, short, others = await self._choose()
        listed = job.listings.began
        if job.config.reaction_users:
            job.progress.reactions_pending = await reactions.pending_lists(job.db, job.tenant_id)
        estimator.begin(job.progress.reactions_pending, page_size=job.session.page_size)
        await for_each(chain(long, short), job.config.concurrent_channels, self._read_channel)
        if job.listings.began > listed:  # once more, and a thread that was reopened between two listings turned up
            long, short, _ = await self._choose(again=True)
            await for_each(chain(long, short), job.config.concurrent_channels, self._read_channel)
        await ProofPass(job).run()
        await job.settle_refusals()
        return others

    async def _choose(
        self, *, again: bool = False
    ) -> tuple[PickledList[ChannelState], PickledList[ChannelState], PickledList[ChannelState]]:
        """Count the channels; return those with news, apart the threads with news, and those that only have failed.

        ``again`` leaves out the channels that were chosen before.
        """
        job = self.job
        of_channels, of_threads, others = (
            PickledList[ChannelState](),
            PickledList[ChannelState](),
            PickledList[ChannelState](),
        )
        unread, archived = list[str](), set[str]()
        async for some in channels.channels_to_be_read(job.db, job.tenant_id):
            news = [state for state in some if state.has_news and not (again and self._was_chosen(state))]
            for state in news:
                job.progress.estimator.expect(self._estimator_of(state))
            of_channels.extend(state for state in news if state.type is not ChannelType.THREAD)
            of_threads.extend(state for state in news if state.type is ChannelType.THREAD)
            others.extend(state for state in some if not state.has_news)
            unread += [state.platform_id for state in news]
            archived |= {state.platform_id for state in some}
        totals = await tenants.tenant_totals(job.db, job.tenant_id)
        counts = {"archived": totals.channels_archived, "skipped": totals.channels_skipped}
        job.progress.channels.begin(unread, **counts, archived_ids=archived)
        return of_channels, of_threads, others

    def _was_chosen(self, state: ChannelState) -> bool:
        return self.job.progress.channels.get(state.platform_id) is not None

    async def _read_channel(self, state: ChannelState) -> None:
        all_channels, estimator = self.job.progress.estimator, self._estimator_of(state)
        all_channels.start(estimator)
        try:
            async with self.job.guard(state):
                await ChannelReader(self.job, state, estimator).run()
        finally:
            all_channels.end(estimator)

    async def _repair(self) -> None:
        repairs = RepairPass(self.job, requests_left=self.job.config.repair_request_budget)
        await self._plan_repairs()
        await repairs.run()
        if await self._plan_repairs():  # such as an audit that waited for the end of another one
            await repairs.run()

    async def _plan_repairs(self) -> int:
        job = self.job
        return await repair.plan_refetches(
            job.db,
            job.tenant_id,
            lookback=job.config.repair_lookback,
            cursor_at=job.session.cursor_at,
            page_size=job.session.page_size,
            job=job.lease,
            now=job.clock(),
        )

    async def _clear_errors(self, states: Iterable[ChannelState]) -> None:
        """Clear the error of what failed in an earlier job and went well in this one, though nothing was new."""
        for state in states:
            has_failed = state.state is ProgressState.FAILED and state.skip_reason is None
            if has_failed and state.platform_id not in self.job.failures:
                await channels.clear_error(self.job.db, state.id, job=self.job.lease, now=self.job.clock())

    def _estimator_of(self, state: ChannelState) -> ChannelEstimator:
        session, counted = self.job.session, state.message_count
        return ChannelEstimator(
            page_size=session.page_size,
            since=state.checkpoint_at or session.sent_at(state.platform_id),
            head_at=session.sent_at(state.head_id) if state.head_id else None,
            counted=None if counted is None else max(counted - state.messages_archived, 0),
        )
