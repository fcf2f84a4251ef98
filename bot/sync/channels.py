"""Brings the stored channels and threads to what the platform lists."""

from dataclasses import dataclass

from adapters.errors import CallFailed, ChannelUnreadable
from adapters.records import ChannelRecord, ChannelType
from bot.concurrency import for_each
from bot.sync.context import JobContext
from storage import channels
from storage.channels import ChannelState


@dataclass(frozen=True, slots=True)
class ChannelListing:
    """One job's listing of a tenant's channels and threads."""

    job: JobContext

    async def run(self) -> list[ChannelState]:
        """List everything, look once for what vanished, and return every channel as it then stands."""
        listed = await self._list()
        await self._find_vanished(listed)
        return await self._states()

    async def _states(self) -> list[ChannelState]:
        return await channels.channel_states(self.job.db, self.job.tenant_id)

    async def _list(self) -> set[str]:
        """Store what the platform lists, and return the ids of all that was listed."""
        job = self.job
        records = await job.list_channels()
        listed = {record.platform_id for record in records}
        states = {state.platform_id: state for state in await self._states()}

        async def list_threads(parent: ChannelRecord) -> None:
            listed.update(await self._list_threads(states[parent.platform_id]))

        parents = [record for record in records if record.has_archived_threads]
        await for_each(parents, job.config.concurrent_channels, list_threads)
        await job.settle_refusals()
        await channels.follow_parents(job.db, job.tenant_id, job.clock())
        return listed

    async def _list_threads(self, parent: ChannelState) -> set[str]:
        job, listed = self.job, set[str]()
        async with job.guard(parent):
            began_at = job.clock()
            async for page in job.session.archived_threads(parent.platform_id, parent.thread_cursor):
                listed.update(thread.platform_id for thread in page.threads)
                if page.threads or page.cursor != parent.thread_cursor:
                    await channels.save_threads(
                        job.db,
                        job.tenant_id,
                        parent.platform_id,
                        page.threads,
                        page.cursor,
                        job.clock(),
                        began_at=began_at,
                    )
        return listed

    async def _find_vanished(self, listed: set[str]) -> None:
        """Look once for each channel that should have been listed and was not; absence alone proves nothing.

        Channels come first: a thread is read where its channel is, and need not be looked for where that one is not.
        """
        for is_thread, find in ((False, self._find_channel), (True, self._find_thread)):
            states = [state for state in await self._states() if _should_be_listed(state, is_thread=is_thread)]
            unseen = [state for state in states if state.platform_id not in listed]
            await for_each(unseen, self.job.config.concurrent_channels, find)
            await self.job.settle_refusals()
            if unseen:
                await channels.follow_parents(self.job.db, self.job.tenant_id, self.job.clock())

    async def _find_channel(self, state: ChannelState) -> None:
        """Skip a channel that Discord neither lists nor shows: so say both, and the next listing may say otherwise."""
        job = self.job
        try:
            await job.session.find_channel(state.platform_id)
        except ChannelUnreadable as e:
            reason = e.reason
            await job.refuse(lambda: job.skip(state, reason))
        except CallFailed as e:
            await job.give_up(state, e, attempts=e.attempts)

    async def _find_thread(self, state: ChannelState) -> None:
        job = self.job
        async with job.guard(state):
            began_at = job.clock()
            if found := await job.session.find_channel(state.platform_id):
                await channels.save_channels(job.db, job.tenant_id, [found], job.clock(), began_at=began_at)


def _should_be_listed(state: ChannelState, *, is_thread: bool) -> bool:
    has_kind = (state.type is ChannelType.THREAD) is is_thread
    return has_kind and state.skip_reason is None and not state.is_archived_thread
