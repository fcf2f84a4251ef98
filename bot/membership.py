"""Keeps the tenants equal to the communities the bot is in, and records when nothing is known of one."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from adapters.events import ChannelDeleted, PlatformEvent, TenantJoined, TenantLeft, TenantOutage, TenantsReady
from adapters.records import SkipReason, TenantRecord
from bot.live import LiveWriter
from bot.queue import JobQueue
from bot.scheduler import Scheduler
from storage import channels, repair, tenants
from storage.database import Database
from storage.errors import TenantStopped
from storage.jobs import Job, JobKind
from storage.repair import GapReason
from storage.tenants import Tenant, tenant_id_of

log = logging.getLogger(__name__)


class Membership:
    """Connects and disconnects tenants as the platforms' events say, and enqueues their first syncs."""

    def __init__(
        self,
        db: Database,
        live: LiveWriter,
        queue: JobQueue,
        scheduler: Scheduler,
        *,
        auto_create: Mapping[str, bool],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._live = live
        self._queue = queue
        self._scheduler = scheduler
        self._auto_create = auto_create
        self._clock = clock
        self._records: dict[tuple[str, str], TenantRecord] = {}  # the communities the bot is in, by platform and id

    def record_of(self, platform: str, platform_id: str) -> TenantRecord | None:
        """Return a community as its platform describes it; None where the bot is not in it."""
        return self._records.get((platform, platform_id))

    def platforms(self) -> set[str]:
        """Return the platforms that have named a community the bot is in."""
        return {platform for platform, _ in self._records}

    async def listen(self, platform: str, event: PlatformEvent) -> None:
        """Bring the tenants in line with an event of a platform."""
        match event:
            case TenantsReady(records):
                await self._reconcile(platform, records)
            case TenantJoined(record):
                await self._connect(platform, record)
                now = self._clock()
                await repair.close_gap(self._db, tenant_id_of(platform, record.platform_id), now, now)
            case TenantLeft(platform_id):
                await self._disconnect(platform, platform_id)
                await self._open_gap(platform, platform_id, GapReason.LEFT)
            case TenantOutage(platform_id):
                await self._open_gap(platform, platform_id, GapReason.OUTAGE)
            case ChannelDeleted(tenant_platform_id, channel_platform_id):
                tenant_id = tenant_id_of(platform, tenant_platform_id)
                await channels.mark_skipped(
                    self._db, tenant_id, [channel_platform_id], SkipReason.DELETED, self._clock()
                )

    async def begin_syncs(self, tenant: Tenant) -> Job | None:
        """Schedule a connected tenant's syncs, and enqueue the first one. A stopped tenant is left alone.

        Returns:
            The first sync, where the tenant was never synced completely.
        """
        if tenant.stopped_at is not None:
            return None
        self._scheduler.follow(tenant.id)
        if tenant.last_successful_sync_at is not None:
            return None
        job, _ = await self._queue.enqueue(tenant.id, JobKind.INITIAL)
        return job

    async def _reconcile(self, platform: str, records: tuple[TenantRecord, ...]) -> None:
        present = {record.platform_id for record in records}
        known = await self._known(platform)
        # First of all, so that the syncs enqueued below see what they have to read again.
        await self._live.connected(platform, present=[t.id for t in known if t.platform_id in present])
        for tenant in known:
            if tenant.platform_id not in present:
                await self._open_gap(platform, tenant.platform_id, GapReason.LEFT)
                await self._disconnect(platform, tenant.platform_id)
        for record in records:
            await self._connect(platform, record)
        await self._scheduler.catch_up(platform)
        log.info("connected", extra={"platform": platform, "tenants": len(records)})

    async def _connect(self, platform: str, record: TenantRecord) -> None:
        tenant_id = tenant_id_of(platform, record.platform_id)
        self._records[platform, record.platform_id] = record
        self._live.follow(platform, tenant_id)
        known = await tenants.get_tenant(self._db, tenant_id)
        if known.purged_at if known else not self._auto_create.get(platform, True):
            return
        tenant, created = await tenants.save_tenant(self._db, platform, record, connected=True, now=self._clock())
        if created or (known and not known.is_connected):
            log.info("tenant joined" if created else "tenant is back", extra={"tenant": tenant.id})
        try:
            await self.begin_syncs(tenant)
        except TenantStopped:  # just now
            self._scheduler.forget(tenant.id)

    async def _disconnect(self, platform: str, platform_id: str) -> None:
        """Mark a tenant as disconnected, since the bot is not in its community."""
        tenant_id = tenant_id_of(platform, platform_id)
        self._scheduler.forget(tenant_id)
        self._records.pop((platform, platform_id), None)
        known = await tenants.get_tenant(self._db, tenant_id)
        if known is not None and known.is_connected and known.purged_at is None:
            gone = TenantRecord(platform_id=platform_id, name=None)
            await tenants.save_tenant(self._db, platform, gone, connected=False, now=self._clock())
            log.warning("the bot is no longer in this community", extra={"tenant": tenant_id})

    async def _open_gap(self, platform: str, platform_id: str, reason: GapReason) -> None:
        """Record that the platform is silent about a community; once it no longer is, what may have changed is read."""
        tenant_id, now = tenant_id_of(platform, platform_id), self._clock()
        self._live.unfollow(platform, tenant_id)
        await repair.record_gap(self._db, tenant_id, reason, began_at=now, ended_at=None, now=now)

    async def _known(self, platform: str) -> list[Tenant]:
        found: list[Tenant] = []
        while page := await tenants.list_tenants(self._db, after=found[-1].id if found else None, platform=platform):
            found += page
        return found
