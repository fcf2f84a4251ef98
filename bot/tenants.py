"""What an administrator does with a tenant: create it, stop it, purge it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from adapters.records import TenantRecord
from bot.membership import Membership
from bot.queue import JobQueue
from bot.reconciliation import LOG_IS_READ, NotYet
from bot.scheduler import Scheduler
from storage import jobs, tenants
from storage.database import Database
from storage.jobs import Job, JobKind
from storage.tenants import Tenant, tenant_id_of

log = logging.getLogger(__name__)

_SAFE_POINT_SECONDS = 10.0  # how long a stopped tenant's running sync is waited for
_POLL_SECONDS = 0.1


@dataclass(slots=True)
class TenantService:
    """Creates, stops and purges tenants. Asking twice is safe."""

    db: Database
    queue: JobQueue
    scheduler: Scheduler
    membership: Membership
    clock: Callable[[], datetime]
    wake: Callable[[], None] = lambda: None
    """Called to have the files cleaned soon."""
    _is_clean: bool = True

    async def create(
        self, platform: str, record: TenantRecord, *, connected: bool | None
    ) -> tuple[Tenant, bool, Job | None]:
        """Store a tenant, or resume one that was stopped, and enqueue its sync where the bot is in the community.

        A tenant that was purged begins anew. What the platform says of the community comes before ``record``. Where
        another process is told whether the bot is in it (``connected`` is None), that stays as it is stored, and that
        process begins the syncs.

        Returns:
            The tenant, whether it is new, and its unfinished job where there is one.
        """
        tenant_id = tenant_id_of(platform, record.platform_id)
        known = await tenants.get_tenant(self.db, tenant_id)
        is_purged = known is not None and known.purged_at is not None
        is_stopped = known is not None and known.stopped_at is not None
        if is_purged:
            await tenants.purge_tenant(self.db, tenant_id, self.clock())  # what a crash has left of it
        if is_stopped:
            await self._await_safe_point(tenant_id)  # or the sync that is being cancelled would count as the next one
            await tenants.resume_tenant(self.db, tenant_id, self.clock())
        record = self.membership.record_of(platform, record.platform_id) or record
        is_in = known is not None and known.is_connected if connected is None else connected
        part = self.membership.part_of(platform, record.platform_id)
        tenant, created = await tenants.save_tenant(
            self.db, platform, record, connected=is_in, now=self.clock(), part=part
        )
        job = await self.membership.begin_syncs(tenant) if connected else None
        if is_in and is_stopped and job is None:
            job, _ = await self.queue.enqueue(tenant.id, JobKind.MANUAL)
        return tenant, created or is_purged, job

    async def stop(self, tenant_id: str) -> Tenant | None:
        """End a tenant's syncs for good: its waiting job at once, its running one at the next safe point.

        Returns:
            The tenant as it is now; None where there is no such one.
        """
        self.scheduler.forget(tenant_id)
        tenant = await tenants.stop_tenant(self.db, tenant_id, self.clock())
        if tenant is not None:
            log.info("tenant stopped", extra={"tenant": tenant_id})
        return tenant

    async def purge(self, tenant_id: str) -> int:
        """Delete the archive of a stopped tenant, and return how many messages that were.

        Its running sync gets a while to reach a safe point, and is then shut out. A purge that is broken off is taken
        up at start.
        """
        await self._await_safe_point(tenant_id)
        messages = await tenants.purge_tenant(self.db, tenant_id, self.clock())
        self._is_clean = await self.db.empty_log()  # otherwise the write-ahead log would still hold deleted data
        if not self._is_clean:
            self.wake()
        log.info("tenant purged", extra={"tenant": tenant_id, "messages": messages})
        return messages

    async def finish_purges(self) -> None:
        """Finish the purges that an earlier process began.

        Raises:
            StorageError: the database is unreachable; the next call continues.
        """
        for tenant_id in await tenants.unfinished_purges(self.db):
            await self.purge(tenant_id)

    async def clean_files(self) -> None:
        """Remove what was purged from the files of a SQLite archive, too, where readers were in the way.

        Raises:
            NotYet: they still are.
        """
        self._is_clean = self._is_clean or await self.db.empty_log()
        if not self._is_clean:
            raise NotYet(LOG_IS_READ)

    async def _await_safe_point(self, tenant_id: str) -> None:
        """Wait until a stopped tenant's sync has ended, but not for long. It may run in another process."""
        try:
            async with asyncio.timeout(_SAFE_POINT_SECONDS):
                while (job := await jobs.newest_job(self.db, tenant_id)) and not job.status.is_end:  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            log.warning("a stopped sync has not ended yet", extra={"tenant": tenant_id})
