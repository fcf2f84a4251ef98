"""Keeps the tenants equal to the communities the bot is in, and sees to their syncs; where syncs are asked for."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.events import ChannelDeleted, PlatformEvent, TenantJoined, TenantLeft, TenantOutage, TenantsReady
from adapters.records import SkipReason, TenantRecord
from bot.live import LiveWriter
from bot.scheduler import Scheduler
from storage import channels, jobs, repair, tenants
from storage.database import Database
from storage.errors import StorageError, TenantStopped
from storage.jobs import Job, JobKind
from storage.repair import GapReason
from storage.tenants import Tenant

log = logging.getLogger(__name__)

_SAFE_POINT_SECONDS = 10.0  # how long a stopped tenant's running sync is waited for
_LOOK_SECONDS = 0.1
_AUDIT_TICK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSchedule:
    """How often each tenant is audited, and between which hours (UTC) audits are begun."""

    interval: timedelta | None
    hours: tuple[int, int]

    def is_on(self, now: datetime) -> bool:
        """Whether audits are begun at this time of the day."""
        first, last = self.hours
        return first <= now.hour < last if first <= last else now.hour >= first or now.hour < last


class Tenancy:
    """Creates tenants, connects and disconnects them, and enqueues their syncs. Never runs one."""

    def __init__(
        self,
        db: Database,
        live: LiveWriter,
        *,
        interval: timedelta,
        audit: AuditSchedule,
        auto_create: Mapping[str, bool],
        wake_worker: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._live = live
        self._interval = interval
        self._audit = audit
        self._auto_create = auto_create
        self._wake_worker = wake_worker
        self._clock = clock
        self._told: dict[str, TenantRecord] = {}  # by tenant id, what the platform says of those the bot is in
        self.scheduler = Scheduler(interval, self._scheduled_sync, clock)
        self.scheduler.every(_AUDIT_TICK, "audits", self.begin_audit)

    async def listen(self, platform: str, event: PlatformEvent) -> None:
        """What the platform tells of its communities."""
        match event:
            case TenantsReady(records):
                await self._reconcile(platform, records)
            case TenantJoined(record):
                await self._connect(platform, record)
                now = self._clock()
                await repair.close_gap(self._db, tenants.tenant_id_of(platform, record.platform_id), now, now)
            case TenantLeft(platform_id):
                await self._disconnect(platform, platform_id)
                await self._nothing_told_of(platform, platform_id, GapReason.LEFT)
            case TenantOutage(platform_id):
                await self._nothing_told_of(platform, platform_id, GapReason.OUTAGE)
            case ChannelDeleted(tenant_platform_id, channel_platform_id):
                await channels.mark_skipped(
                    self._db,
                    tenants.tenant_id_of(platform, tenant_platform_id),
                    [channel_platform_id],
                    SkipReason.DELETED,
                    self._clock(),
                )

    async def create(self, platform: str, record: TenantRecord, *, connected: bool) -> tuple[Tenant, bool, Job | None]:
        """The tenant, whether it is new, and its unfinished job where there is one. Asking twice is safe.

        One that was stopped goes on, at once; one that was purged begins anew. What the platform says of it comes
        before ``record``.
        """
        tenant_id = tenants.tenant_id_of(platform, record.platform_id)
        known = await tenants.get_tenant(self._db, tenant_id)
        is_purged = known is not None and known.purged_at is not None
        is_stopped = known is not None and known.stopped_at is not None
        if is_purged:
            await tenants.purge_tenant(self._db, tenant_id, self._clock())  # what a crash has left of it
        if is_stopped:
            await self._safe_point(tenant_id)  # or the sync that is being called off would count as the next one
            await tenants.resume_tenant(self._db, tenant_id, self._clock())
        record = self._told.get(tenant_id, record)
        tenant, created = await tenants.save_tenant(self._db, platform, record, connected=connected, now=self._clock())
        job = await self._follow(tenant) if connected else None
        if connected and is_stopped and job is None:
            job, _ = await self.enqueue(tenant.id, JobKind.MANUAL)
        return tenant, created or is_purged, job

    async def stop(self, tenant_id: str) -> Tenant | None:
        """End a tenant's syncs for good: its waiting job at once, its running one at the next safe point.

        Returns:
            The tenant as it is now; None where there is no such one.
        """
        self.scheduler.forget(tenant_id)
        tenant = await tenants.stop_tenant(self._db, tenant_id, self._clock())
        if tenant is not None:
            log.info("tenant stopped", extra={"tenant": tenant_id})
        return tenant

    async def purge(self, tenant_id: str) -> int:
        """Delete the archive of a stopped tenant, and tell how many messages that were.

        Its running sync gets some time to reach a safe point, and is then shut out. A purge that is broken off is taken
        up at start.
        """
        await self._safe_point(tenant_id)
        messages = await tenants.purge_tenant(self._db, tenant_id, self._clock())
        log.info("tenant purged", extra={"tenant": tenant_id, "messages": messages})
        return messages

    async def finish_purges(self) -> None:
        """At start: purge what the process before had begun to purge. If it fails the next start tries again."""
        try:
            for tenant_id in await tenants.unfinished_purges(self._db):
                await self.purge(tenant_id)
        except StorageError as e:
            log.error("a purge that was broken off could not be finished", extra={"code": e.code, "error": str(e)})

    async def _safe_point(self, tenant_id: str) -> None:
        """Wait until a stopped tenant's sync has ended, but not for long. It may run in another process."""
        try:
            async with asyncio.timeout(_SAFE_POINT_SECONDS):
                while (job := await jobs.newest_job(self._db, tenant_id)) and not job.status.is_end:  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            log.warning("a stopped sync has not ended yet", extra={"tenant": tenant_id})

    async def enqueue(self, tenant_id: str, kind: JobKind) -> tuple[Job, bool]:
        """Ask for a sync; True where that made a job, False where one was unfinished already, which then does it."""
        if kind is JobKind.AUDIT:
            await repair.request_audit(self._db, tenant_id, self._clock())
        job, created = await jobs.enqueue(self._db, tenant_id, kind, now=self._clock())
        self._wake_worker()
        return job, created

    async def begin_audit(self) -> None:
        """Ask for the audit that is due longest: one at a time, so that they spread over the tenants."""
        now = self._clock()
        if self._audit.interval is None or not self._audit.is_on(now):
            return
        for platform in {tenant_id.partition("-")[0] for tenant_id in self._told}:
            for tenant_id in (await repair.audits_due(self._db, platform, before=now - self._audit.interval))[:1]:
                with suppress(TenantStopped):
                    await self.enqueue(tenant_id, JobKind.AUDIT)

    async def catch_up(self, platform: str) -> None:
        """Enqueue every tenant of a platform whose tick was missed."""
        before = self._clock() - self._interval
        for tenant_id in await jobs.due_tenants(self._db, platform=platform, before=before):
            await self._scheduled_sync(tenant_id)

    async def _nothing_told_of(self, platform: str, platform_id: str, reason: GapReason) -> None:
        """Until it is back; then what may have changed is read again."""
        tenant_id, now = tenants.tenant_id_of(platform, platform_id), self._clock()
        self._live.unfollow(platform, tenant_id)
        await repair.record_gap(self._db, tenant_id, reason, began_at=now, ended_at=None, now=now)

    async def _reconcile(self, platform: str, records: tuple[TenantRecord, ...]) -> None:
        present = {record.platform_id for record in records}
        known = await self._known(platform)
        # First of all, so that the syncs asked for below see what they have to read again.
        await self._live.connected(platform, present=[t.id for t in known if t.platform_id in present])
        for tenant in known:
            if tenant.platform_id not in present:
                await self._nothing_told_of(platform, tenant.platform_id, GapReason.LEFT)
                await self._disconnect(platform, tenant.platform_id)
        for record in records:
            await self._connect(platform, record)
        await self.catch_up(platform)
        log.info("connected", extra={"platform": platform, "tenants": len(records)})

    async def _connect(self, platform: str, record: TenantRecord) -> None:
        tenant_id = tenants.tenant_id_of(platform, record.platform_id)
        self._told[tenant_id] = record
        self._live.follow(platform, tenant_id)
        known = await tenants.get_tenant(self._db, tenant_id)
        if known.purged_at if known else not self._auto_create.get(platform, True):
            return
        tenant, created = await tenants.save_tenant(self._db, platform, record, connected=True, now=self._clock())
        if created or (known and not known.is_connected):
            log.info("tenant joined" if created else "tenant is back", extra={"tenant": tenant.id})
        try:
            await self._follow(tenant)
        except TenantStopped:  # just now
            self.scheduler.forget(tenant.id)

    async def _follow(self, tenant: Tenant) -> Job | None:
        """See to a connected tenant's syncs; its first one is asked for. A stopped one is left alone."""
        if tenant.stopped_at is not None:
            return None
        self.scheduler.follow(tenant.id)
        if tenant.last_successful_sync_at is not None:
            return None
        job, _ = await self.enqueue(tenant.id, JobKind.INITIAL)
        return job

    async def _known(self, platform: str) -> list[Tenant]:
        found: list[Tenant] = []
        while page := await tenants.list_tenants(self._db, after=found[-1].id if found else None, platform=platform):
            found += page
        return found

    async def _disconnect(self, platform: str, platform_id: str) -> None:
        tenant_id = tenants.tenant_id_of(platform, platform_id)
        self.scheduler.forget(tenant_id)
        self._told.pop(tenant_id, None)
        known = await tenants.get_tenant(self._db, tenant_id)
        if known is not None and known.is_connected and known.purged_at is None:
            gone = TenantRecord(platform_id=platform_id, name=None)
            await tenants.save_tenant(self._db, platform, gone, connected=False, now=self._clock())
            log.warning("the bot is no longer in this community", extra={"tenant": tenant_id})

    async def _scheduled_sync(self, tenant_id: str) -> None:
        try:
            await self.enqueue(tenant_id, JobKind.SCHEDULED)
        except TenantStopped:  # between being found due and now
            self.scheduler.forget(tenant_id)
