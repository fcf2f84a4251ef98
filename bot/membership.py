"""Keep the tenants equal to the communities that the bot is in, by reconciliation that an event only wakes."""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime

from adapters.events import PlatformEvent, TenantJoined, TenantLeft, TenantOutage, TenantsReady, TenantsReleased
from adapters.records import SkipReason, TenantRecord
from bot.communities import Communities
from bot.failures import Failures
from bot.live import LiveWriter
from bot.queue import JobQueue
from bot.scheduler import Scheduler
from storage import channels, jobs, tenants
from storage.database import Database
from storage.errors import TenantStopped
from storage.jobs import Job, JobKind, JobStatus
from storage.repair import GapReason
from storage.tenants import Tenant, tenant_id_of

log = logging.getLogger(__name__)


class Membership:
    """Connects and disconnects tenants to match the platforms' communities, and enqueues the syncs due for that."""

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
        self._following = live.following
        self._instant = live.instant
        self._queue = queue
        self._scheduler = scheduler
        self._auto_create = auto_create
        self._clock = clock
        self._platforms: defaultdict[str, Communities] = defaultdict(Communities)
        self._absent: set[str] = set()  # tenants whose gap since they left is recorded
        self._on_event: Callable[[], None] = lambda: None
        self._on_release: Callable[[Callable[[str], bool]], None] = lambda _: None

    def on_release(self, put_back: Callable[[Callable[[str], bool]], None]) -> None:
        """Register a callback that is called with which tenants are left to another process."""
        self._on_release = put_back

    def on_event(self, wake: Callable[[], None]) -> None:
        """Register a callback that is called after each event."""
        self._on_event = wake

    def record_of(self, platform: str, platform_id: str) -> TenantRecord | None:
        """Return a community as its platform describes it; None where the bot is not in it."""
        return self._platforms[platform].present.get(platform_id)

    def part_of(self, platform: str, platform_id: str) -> str:
        """Return the part of a platform's connection by which it tells of a community."""
        return self._following.part_of(platform, tenant_id_of(platform, platform_id))[1]

    def platforms(self) -> set[str]:
        """Return the platforms that have named a community the bot is in."""
        return {name for name, communities in self._platforms.items() if communities.present}

    def is_settled(self, platform: str) -> bool:
        """Return whether the tenants have matched a platform's communities since it last connected."""
        return self._platforms[platform].is_settled

    async def listen(self, platform: str, event: PlatformEvent) -> None:
        """Update the communities by an event, without waiting."""
        self._platforms[platform].take(event, self._clock())
        match event:
            case TenantsReady(records, part):
                tenant_ids = [tenant_id_of(platform, record.platform_id) for record in records]
                self._following.connected(platform, tenant_ids, part)
            case TenantsReleased(part, covers):
                self._release(platform, part, covers)
            case TenantJoined(record):
                self._following.begins(platform, tenant_id_of(platform, record.platform_id))
            case TenantLeft(platform_id):
                self._following.ends(platform, tenant_id_of(platform, platform_id), GapReason.LEFT)
            case TenantOutage(platform_id):
                self._following.ends(platform, tenant_id_of(platform, platform_id), GapReason.OUTAGE)
        self._on_event()

    def _release(self, platform: str, part: str, covers: Callable[[str], bool]) -> None:
        """Leave the tenants of a part to another process."""
        prefix = tenant_id_of(platform, "")

        def concerns(tenant_id: str) -> bool:
            return tenant_id.startswith(prefix) and covers(tenant_id.removeprefix(prefix))

        self._scheduler.forget_all(concerns)
        self._absent -= {tenant_id for tenant_id in self._absent if concerns(tenant_id)}
        self._on_release(concerns)
        self._following.disconnected(platform, part, covers)

    async def reconcile(self) -> None:
        """Make the tenants match the communities announced so far.

        Raises:
            StorageError: the database is unreachable, or refuses one tenant, while the others are done; the next call
                continues.
        """
        failures = Failures()
        for platform, communities in list(self._platforms.items()):
            with failures.apart(platform):
                await self._reconcile(platform, communities)
        failures.raise_first()

    async def begin_syncs(self, tenant: Tenant) -> Job | None:
        """Schedule a connected tenant's syncs, and enqueue the first one. A stopped tenant is left alone.

        Returns:
            The first sync, where the tenant was never synced completely.
        """
        if tenant.stopped_at is not None:
            return None
        self._follow(tenant)
        if tenant.last_successful_sync_at is not None:
            return None
        job, _ = await self._queue.enqueue(tenant.id, JobKind.INITIAL)
        return job

    async def _reconcile(self, platform: str, communities: Communities) -> None:
        seen, was_settled, failures = communities.changes, communities.is_settled, Failures()
        known = await self._known(platform)
        with failures.apart("parts"):
            await self._note_parts(platform, known.values(), communities)
        for tenant in known.values():
            if communities.is_absent(tenant.platform_id):
                with failures.apart(tenant.id):
                    await self._disconnect(tenant, communities)
        with failures.apart("gaps"):
            await self._following.write()  # before syncs are enqueued, so that these see what they have to refetch
        overdue = await self._scheduler.overdue(platform) if communities.expected else []
        for platform_id, record in list(communities.present.items()):
            if platform_id not in communities.present:  # any more: its part was left to another process
                continue
            with failures.apart(tenant_id_of(platform, platform_id)):
                try:
                    await self._connect(platform, communities, record, known.get(platform_id), overdue)
                except TenantStopped:  # just now
                    self._scheduler.forget(tenant_id_of(platform, platform_id))
        await self._mark_deleted(platform, communities, failures)
        failures.raise_first()  # the other tenants are done by now
        communities.settled = seen
        if communities.is_settled and not was_settled:
            log.info("connected", extra={"platform": platform, "tenants": len(communities.present)})

    async def _note_parts(self, platform: str, known: Iterable[Tenant], communities: Communities) -> None:
        """Store by which part of the connection tenants are told of, where that is one of this process's."""
        parts = {tenant.id: self.part_of(platform, tenant.platform_id) for tenant in known}
        stale = {t.id: parts[t.id] for t in known if t.part != parts[t.id] and communities.has_part(parts[t.id])}
        if stale:
            await tenants.note_parts(self._db, stale, self._clock())

    async def _disconnect(self, tenant: Tenant, communities: Communities) -> None:
        """Mark a tenant as disconnected, since the bot has left its community."""
        self._scheduler.forget(tenant.id)
        is_news = tenant.is_connected and tenant.purged_at is None
        if is_news:
            gone = TenantRecord(platform_id=tenant.platform_id, name=None)
            await tenants.save_tenant(self._db, tenant.platform, gone, connected=False, now=self._clock())
            log.warning("the bot is no longer in this community", extra={"tenant": tenant.id})
        if not communities.is_absent(tenant.platform_id):  # any more: its part was left to another process
            return
        if is_news or tenant.id not in self._absent:  # the process before may have ended before it recorded the gap
            self._following.ends(tenant.platform, tenant.id, GapReason.LEFT, since_watermark=True)
            self._absent.add(tenant.id)

    async def _connect(
        self,
        platform: str,
        communities: Communities,
        record: TenantRecord,
        known: Tenant | None,
        overdue: Collection[str],
    ) -> None:
        """Store a tenant of the bot's, and enqueue a sync if one is due.

        A returning tenant's sync is enqueued first: after a crash in between, the tenant is still stored as left.
        """
        if known.purged_at if known else not self._auto_create.get(platform, True):
            communities.done(record.platform_id)
            return
        if known is not None and not known.is_connected:
            communities.returned.add(record.platform_id)
            await self._enqueue(communities, known, overdue)
        if known is None or not _is_stored(known, record):
            now, part = self._clock(), self.part_of(platform, record.platform_id)
            tenant, created = await tenants.save_tenant(self._db, platform, record, connected=True, now=now, part=part)
            if created or (known and not known.is_connected):
                log.info("tenant joined" if created else "tenant is back", extra={"tenant": tenant.id})
            known = tenant
        if known.stopped_at is None and record.platform_id in communities.present:
            self._follow(known)
            await self._enqueue(communities, known, overdue)

    def _follow(self, tenant: Tenant) -> None:
        self._live.followed.begin_anew(tenant.id, tenant.created_at)
        self._scheduler.follow(tenant.id)

    async def _enqueue(self, communities: Communities, tenant: Tenant, overdue: Collection[str]) -> None:
        """Enqueue a tenant's due sync (of a new, returned or overdue one) once its community is available."""
        platform_id = tenant.platform_id
        if tenant.stopped_at is not None:
            communities.done(platform_id)
        is_returned = platform_id in communities.returned
        if platform_id in communities.silent or not (is_returned or platform_id in communities.expected):
            return
        if not is_returned and not await self._is_due(tenant, overdue):
            communities.done(platform_id)
            return
        is_new = tenant.last_successful_sync_at is None
        job, created = await self._queue.enqueue(tenant.id, JobKind.INITIAL if is_new else JobKind.SCHEDULED)
        # A running sync may have begun before the bot returned, and have met only refusals.
        if created or job.status is JobStatus.QUEUED or not is_returned:
            communities.done(platform_id)

    async def _is_due(self, tenant: Tenant, overdue: Collection[str]) -> bool:
        if tenant.last_successful_sync_at is None or tenant.id in overdue:
            return True
        newest = await jobs.newest_job(self._db, tenant.id)
        return newest is not None and newest.status is JobStatus.FAILED

    async def _mark_deleted(self, platform: str, communities: Communities, failures: Failures) -> None:
        for deleted in list(communities.deleted_channels):
            tenant_id, channel_id = tenant_id_of(platform, deleted[0]), deleted[1]
            with failures.apart(tenant_id):
                await self._live.drop_channel(tenant_id, channel_id)
                await channels.mark_skipped(self._db, tenant_id, [channel_id], SkipReason.DELETED, self._instant())
                communities.deleted_channels.discard(deleted)

    async def _known(self, platform: str) -> dict[str, Tenant]:
        """Return all tenants of a platform by platform id, including purged ones."""
        pages = tenants.tenant_pages(self._db, platform=platform, with_purged=True)
        return {tenant.platform_id: tenant async for page in pages for tenant in page}


def _is_stored(tenant: Tenant, record: TenantRecord) -> bool:
    is_named = record.name is None or record.name == tenant.name
    is_described = not record.metadata or record.metadata == tenant.metadata
    return tenant.is_connected and is_named and is_described
