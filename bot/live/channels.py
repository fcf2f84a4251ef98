"""Write what events say of channels."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import datetime
from typing import Any

from adapters.records import ChannelRecord, ChannelType
from bot.failures import Failures
from bot.live.bisect import is_refused
from bot.live.buffer import ChannelEvent, LiveBuffer
from bot.live.leading import Leading
from storage import channels
from storage.database import Database
from storage.live import ChannelKey

log = logging.getLogger(__name__)

_BATCH = 1_000  # channels in one transaction


class ChannelWriter:
    """Writes the channels that wait in a buffer."""

    def __init__(
        self,
        db: Database,
        clock: Callable[[], datetime],
        instant: Callable[[], datetime],
        on_lost: Callable[[str], None],
    ) -> None:
        """``instant`` is the clock by which listings and events of channels are ordered.

        ``on_lost`` is called with the tenant of channels that cannot be stored: they have to be listed.
        """
        self._on_lost = on_lost
        self._db = db
        self._clock = clock
        self._instant = instant

    async def write_hidden(self, buffer: LiveBuffer, only_of: str | None = None) -> None:
        """Write hidden channels, even if this process does not lead: the leader may hang.

        Every process receives the events, and writing them twice changes nothing. ``only_of`` selects one tenant.

        Raises:
            StorageError: some cannot be written; they stay buffered.
        """
        failures = Failures()
        for tenant_id, events in buffer.channel_events(hidden=True).items():
            if only_of in (None, tenant_id):
                with failures.apart(tenant_id):
                    for some in _parts(events):
                        await self._save(tenant_id, some)
                        buffer.channels_written(tenant_id, some)
        failures.raise_first()

    async def write_shown(
        self, buffer: LiveBuffer, leading: Leading, platform: str, hidden: Collection[ChannelKey] = ()
    ) -> None:
        """Write the other changed channels of the tenants that this process leads, and discard those of others.

        Those of ``hidden`` and their threads are left for a later call: that they were hidden is written first.

        Raises:
            LeadershipLost: another process leads one of the tenants now.
            StorageError: some cannot be written; they stay buffered.
        """
        failures, waiting = Failures(), buffer.channel_events(hidden=False)
        guards = {tenant_id: leading.guard(platform, tenant_id) for tenant_id in waiting}  # as they are led now
        for tenant_id, events in waiting.items():
            due = [event for event in events if _places_of(tenant_id, event.record).isdisjoint(hidden)]
            with failures.apart(tenant_id):
                for some in _parts(due):
                    if leading.leads(platform, tenant_id):
                        await self._save(tenant_id, some, guards[tenant_id])
                    buffer.channels_written(tenant_id, some)
        failures.raise_first()

    async def _save(
        self, tenant_id: str, events: list[ChannelEvent], guard: Callable[[Any], Awaitable[None]] | None = None
    ) -> None:
        records = [event.record for event in events]
        received_at = {event.record.platform_id: event.received_at for event in events}
        new = {event.record.platform_id for event in events if event.is_new}
        now = self._clock()
        try:
            await channels.save_changed_channels(
                self._db, tenant_id, records, now, received_at=received_at, new=new, guard=guard
            )
        except Exception as e:  # the next sync lists them; hidden ones cannot wait for it
            if not is_refused(e):
                raise
            log.error("a changed channel cannot be stored", extra={"tenant": tenant_id}, exc_info=e)
            self._on_lost(tenant_id)
            for record in records:
                if record.skip_reason is not None:
                    reason, instant = record.skip_reason, self._instant()
                    await channels.mark_skipped(self._db, tenant_id, [record.platform_id], reason, instant)


def _places_of(tenant_id: str, record: ChannelRecord) -> set[ChannelKey]:
    """Return what hides a channel when it is hidden: the channel itself and, of a thread, its parent."""
    parent = record.parent_platform_id if record.type is ChannelType.THREAD else None
    return {(tenant_id, place) for place in (record.platform_id, parent) if place}


def _parts(events: list[ChannelEvent]) -> Iterator[list[ChannelEvent]]:
    return (events[at : at + _BATCH] for at in range(0, len(events), _BATCH))
