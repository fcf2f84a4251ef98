"""Syncs one tenant: list its channels and read each from its checkpoint up to the head that the listing gave, read
again what may have changed unseen, then fetch the users behind the reactions.

Knows no platform. Every batch is one transaction with its checkpoint, so being cut off anywhere loses nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.live import ChangeTracker
from bot.sync.channels import ChannelListing
from bot.sync.context import JobContext
from bot.sync.reactions import ReactionPass
from bot.sync.reading import ReadingPass
from bot.sync.repairs import RepairPass
from bot.sync.samples import SampleCheck
from bot.sync.threads import ThreadListing
from storage import channels, repair
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
        with self.job.tracking(None) as tracker:
            await self._sync(tracker)

    async def _sync(self, tracker: ChangeTracker) -> None:
        threads = ThreadListing(self.job)
        try:
            reading = ReadingPass(self.job, ChannelListing(self.job, threads))
            others = await reading.run()
        except BaseException:
            await threads.keep()
            raise
        if threads.was_interrupted:
            await channels.forget_listings(self.job.db, self.job.tenant_id)
        await self._repair()
        await reading.read_shown_threads()
        if self.job.config.reaction_users:
            await ReactionPass(self.job).run()
            await self.job.settle_refusals()
        await self.job.settle_hidden(tracker.changed())
        await self._clear_errors(others)

    async def _repair(self) -> None:
        repairs = RepairPass(self.job, requests_left=self.job.config.repair_request_budget)
        await self._plan_repairs()
        await repairs.run()
        await SampleCheck(self.job).run()
        if await self._plan_repairs():  # such as an audit that waited for the end of another one
            await repairs.run()

    async def _plan_repairs(self) -> int:
        job = self.job
        return await repair.plan_refetches(
            job.db,
            job.tenant_id,
            lookback=job.config.lookback_of(job.tenant_id),
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
