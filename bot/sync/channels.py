"""Brings the stored channels and threads to what the platform lists."""

from dataclasses import dataclass

from adapters.records import ChannelRecord
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
        await self._find_vanished(await self._states(), listed)
        return await self._states()

    async def _states(self) -> list[ChannelState]:
        return await channels.channel_states(self.job.db, self.job.tenant_id)

    async def _list(self) -> set[str]:
        """Store what the platform lists, and return the ids of all that was listed."""
        job = self.job
        records = await job.session.channels()
        await channels.save_channels(job.db, job.tenant_id, records, job.clock())
        listed = {record.platform_id for record in records}
        states = {state.platform_id: state for state in await self._states()}

        async def list_threads(parent: ChannelRecord) -> None:
            listed.update(await self._list_threads(states[parent.platform_id]))

        parents = [record for record in records if record.has_archived_threads]
        await for_each(parents, job.config.concurrent_channels, list_threads)
        await channels.follow_parents(job.db, job.tenant_id, job.clock())
        return listed

    async def _list_threads(self, parent: ChannelState) -> set[str]:
        job, listed = self.job, set[str]()
        async with job.guard(parent):
            async for page in job.session.archived_threads(parent.platform_id, parent.thread_cursor):
                listed.update(thread.platform_id for thread in page.threads)
                if page.threads or page.cursor != parent.thread_cursor:
                    await channels.save_threads(
                        job.db, job.tenant_id, parent.platform_id, page.threads, page.cursor, job.clock()
                    )
        return listed

    async def _find_vanished(self, states: list[ChannelState], listed: set[str]) -> None:
        """Look once for each channel that should have been listed and was not; absence alone proves nothing."""
        job = self.job
        vanished = [
            state
            for state in states
            if state.platform_id not in listed and state.skip_reason is None and not state.is_archived_thread
        ]

        async def find(state: ChannelState) -> None:
            async with job.guard(state):
                reason = await job.session.find_channel(state.platform_id)
                if reason is not None:
                    await job.skip(state, reason)

        await for_each(vanished, job.config.concurrent_channels, find)
