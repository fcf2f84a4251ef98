"""Keeps the tenants equal to the communities the bot is in, and sees to their syncs; where syncs are asked for."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from adapters.base import ChannelDeleted, PlatformEvent, TenantJoined, TenantLeft, TenantsReady
from adapters.records import SkipReason, TenantRecord
from bot.scheduler import Scheduler
from storage import channels, jobs, tenants
from storage.database import Database
from storage.jobs import Job, JobKind
from storage.tenants import SyncStatus, Tenant

log = logging.getLogger(__name__)


class Tenancy:
    """Creates tenants, connects and disconnects them, and enqueues their syncs. Never runs one."""

    def __init__(
        self,
        db: Database,
        *,
        interval: timedelta,
        auto_create: Mapping[str, bool],
        wake_worker: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._interval = interval
        self._auto_create = auto_create
        self._wake_worker = wake_worker
        self._clock = clock
        self.scheduler = Scheduler(interval, self._scheduled_sync, clock)

    async def listen(self, platform: str, event: PlatformEvent) -> None:
        """What the platform tells of its communities."""
        match event:
            case TenantsReady(records):
                await self._reconcile(platform, records)
            case TenantJoined(record):
                await self._connect(platform, record)
            case TenantLeft(platform_id):
                await self._disconnect(platform, platform_id)
            case ChannelDeleted(tenant_platform_id, channel_platform_id):
                await channels.mark_skipped(
                    self._db,
                    tenants.tenant_id_of(platform, tenant_platform_id),
                    [channel_platform_id],
                    SkipReason.DELETED,
                    self._clock(),
                )

    async def create(self, platform: str, record: TenantRecord, *, connected: bool) -> tuple[Tenant, bool, Job | None]:
        """The tenant, whether it is new, and its unfinished job where there is one. Asking twice is safe."""
        tenant, created = await tenants.save_tenant(self._db, platform, record, connected=connected, now=self._clock())
        if not connected:
            return tenant, created, None
        self.scheduler.follow(tenant.id)
        job = None
        if tenant.last_successful_sync_at is None:
            job, _ = await self.enqueue(tenant.id, JobKind.INITIAL)
        return tenant, created, job

    async def enqueue(self, tenant_id: str, kind: JobKind) -> tuple[Job, bool]:
        """Ask for a sync; True where that made a job, False where one was unfinished already."""
        job, created = await jobs.enqueue(self._db, tenant_id, kind, now=self._clock())
        self._wake_worker()
        return job, created

    async def catch_up(self, platform: str) -> None:
        """Enqueue every tenant of a platform whose tick was missed."""
        before = self._clock() - self._interval
        for tenant_id in await jobs.due_tenants(self._db, platform=platform, before=before):
            await self.enqueue(tenant_id, JobKind.SCHEDULED)

    async def _reconcile(self, platform: str, records: tuple[TenantRecord, ...]) -> None:
        present = {record.platform_id for record in records}
        for tenant in await self._known(platform):
            if tenant.platform_id not in present:
                await self._disconnect(platform, tenant.platform_id)
        for record in records:
            await self._connect(platform, record)
        await self.catch_up(platform)
        log.info("connected", extra={"platform": platform, "tenants": len(records)})

    async def _connect(self, platform: str, record: TenantRecord) -> None:
        known = await tenants.get_tenant(self._db, tenants.tenant_id_of(platform, record.platform_id))
        if known is None and not self._auto_create[platform]:
            return
        tenant, created, _ = await self.create(platform, record, connected=True)
        if created or (known and known.sync_status is SyncStatus.DISCONNECTED):
            log.info("tenant joined" if created else "tenant is back", extra={"tenant": tenant.id})

    async def _known(self, platform: str) -> list[Tenant]:
        found: list[Tenant] = []
        while page := await tenants.list_tenants(self._db, after=found[-1].id if found else None, platform=platform):
            found += page
        return found

    async def _disconnect(self, platform: str, platform_id: str) -> None:
        tenant_id = tenants.tenant_id_of(platform, platform_id)
        self.scheduler.forget(tenant_id)
        known = await tenants.get_tenant(self._db, tenant_id)
        if known is not None and known.sync_status is not SyncStatus.DISCONNECTED:
            gone = TenantRecord(platform_id=platform_id, name=None)
            await tenants.save_tenant(self._db, platform, gone, connected=False, now=self._clock())
            log.warning("the bot is no longer in this community", extra={"tenant": tenant_id})

    async def _scheduled_sync(self, tenant_id: str) -> None:
        await self.enqueue(tenant_id, JobKind.SCHEDULED)
