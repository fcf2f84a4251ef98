"""Syncs one tenant: list its channels, then read each from its checkpoint up to the head the listing told.

Knows no platform. Every batch is one transaction with its checkpoint, so being cut off anywhere loses nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from adapters.base import CallFailed, ChannelUnreadable, PlatformSession
from adapters.records import ChannelRecord, ChannelType, JsonValue, SkipReason
from bot.channel_reader import ChannelStore, read_channel
from bot.concurrency import for_each
from bot.progress import ChannelFailure, Progress
from storage import channels, messages
from storage.channels import ChannelState
from storage.database import Database
from storage.jobs import JobLease

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class TenantSync:
    """One job's walk through one tenant."""

    def __init__(
        self,
        db: Database,
        session: PlatformSession,
        tenant_id: str,
        lease: JobLease,
        progress: Progress,
        *,
        batch_size: int,
        concurrent_channels: int,
        clock: Clock,
    ) -> None:
        self._db = db
        self._session = session
        self._tenant_id = tenant_id
        self._lease = lease
        self._progress = progress
        self._batch_size = batch_size
        self._concurrent_channels = concurrent_channels
        self._clock = clock

    async def run(self) -> None:
        """Read everything that is new.

        A channel that gives up is told in the progress and in its row, and does not hold up the others.

        Raises:
            PlatformError, StorageError: the job has to end.
        """
        listed = await self._list_channels()
        states = await channels.channel_states(self._db, self._tenant_id)
        await self._look_for_vanished(states, listed)
        states = await channels.channel_states(self._db, self._tenant_id)
        unread = [state for state in states if _has_news(state)]
        self._count(states, unread)
        # A thread is rarely long; whoever starts last should not have the longest way.
        unread.sort(key=lambda state: state.type is ChannelType.THREAD)
        await for_each(unread, self._concurrent_channels, self._read_channel)

    async def _list_channels(self) -> set[str]:
        """Store what the guild has, and return the ids of all that was listed."""
        records = await self._session.channels()
        await channels.save_channels(self._db, self._tenant_id, records, self._clock())
        listed = {record.platform_id for record in records}
        states = {state.platform_id: state for state in await channels.channel_states(self._db, self._tenant_id)}

        async def list_threads(parent: ChannelRecord) -> None:
            listed.update(await self._list_threads(states[parent.platform_id]))

        parents = [record for record in records if record.has_archived_threads]
        await for_each(parents, self._concurrent_channels, list_threads)
        await channels.follow_parents(self._db, self._tenant_id, self._clock())
        return listed

    async def _list_threads(self, parent: ChannelState) -> set[str]:
        listed: set[str] = set()
        try:
            async for page in self._session.archived_threads(parent.platform_id, parent.thread_cursor):
                listed.update(thread.platform_id for thread in page.threads)
                if page.threads or page.cursor != parent.thread_cursor:
                    await channels.save_threads(
                        self._db, self._tenant_id, parent.platform_id, page.threads, page.cursor, self._clock()
                    )
        except ChannelUnreadable as e:
            await self._skip(parent, e.reason)
        except CallFailed as e:
            await self._fail(parent, e)
        return listed

    async def _look_for_vanished(self, states: list[ChannelState], listed: set[str]) -> None:
        """Ask once for each channel that should have been listed and was not; absence alone proves nothing."""
        vanished = [
            state
            for state in states
            if state.platform_id not in listed and state.skip_reason is None and not state.is_archived_thread
        ]

        async def look(state: ChannelState) -> None:
            try:
                reason = await self._session.find_channel(state.platform_id)
            except CallFailed as e:
                await self._fail(state, e)
                return
            if reason is not None:
                await self._skip(state, reason)

        await for_each(vanished, self._concurrent_channels, look)

    def _count(self, states: list[ChannelState], unread: list[ChannelState]) -> None:
        archived = sum(1 for state in states if state.skip_reason is None)
        self._progress.channels_total = archived
        self._progress.channels_done = archived - len(unread)
        self._progress.channels_skipped = len(states) - archived

    async def _read_channel(self, state: ChannelState) -> None:
        store = ChannelStore(self._db, self._tenant_id, state, self._lease, self._clock)
        try:
            await read_channel(self._session, store, self._batch_size, self._progress)
        except ChannelUnreadable as e:
            await self._skip(state, e.reason)
            self._progress.channels_total -= 1
            self._progress.channels_skipped += 1
        except CallFailed as e:
            await self._fail(state, e)
        else:
            self._progress.channels_done += 1

    async def _skip(self, state: ChannelState, reason: SkipReason) -> None:
        log.info("channel can no longer be read", extra={"channel": state.platform_id, "reason": str(reason)})
        await channels.mark_skipped(self._db, self._tenant_id, [state.platform_id], reason, self._clock())

    async def _fail(self, state: ChannelState, error: CallFailed) -> None:
        now = self._clock()
        failure = ChannelFailure(channel_id=state.platform_id, code=error.code, message=str(error))
        self._progress.fail(failure)
        log.warning("channel gave up", extra={"channel": state.platform_id, "code": error.code, "error": str(error)})
        told: dict[str, JsonValue] = {
            "code": error.code,
            "message": str(error),
            "at": now.isoformat(),
            "attempts": error.attempts,
        }
        await messages.fail_channel(self._db, state.id, error=told, job=self._lease, now=now)


def _has_news(state: ChannelState) -> bool:
    """Whether a channel may hold messages beyond its checkpoint; where it cannot, no request is made."""
    if state.skip_reason is not None or state.type not in (ChannelType.TEXT, ChannelType.THREAD):
        return False
    if state.head_id is None:
        # Discord may leave out the newest message of a thread that has one; of a channel only where it has none.
        return state.type is ChannelType.THREAD and state.state is None
    return int(state.head_id) > max(int(state.checkpoint_id or 0), int(state.empty_head_id or 0))
