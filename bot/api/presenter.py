"""Rows as the API shows them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.base import PlatformAdapter
from bot.api.job_responses import JobView
from bot.api.job_views import job_view
from bot.api.responses import TenantTotals, TenantView
from bot.queue_estimates import waiting_estimates
from storage import jobs, tenants
from storage.database import Database
from storage.jobs import Job, JobStatus
from storage.tenants import Tenant

_STOPPED = "Its syncs are stopped by request. POST /api/tenants with its platform and platform_id starts them again."
_NOT_IN_IT = (
    "The bot is not in this community. Somebody who may manage it opens invite_url and adds the bot; "
    "archiving then begins by itself."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenter:
    """Makes them; ``slots`` is how many syncs run at once."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    next_sync_at: Callable[[str], datetime | None]
    clock: Callable[[], datetime]
    slots: int

    async def tenant(self, tenant: Tenant) -> TenantView:
        """A tenant with its totals."""
        totals = await tenants.tenant_totals(self.db, tenant.id)
        is_stopped = tenant.stopped_at is not None
        return TenantView(
            id=tenant.id,
            platform=tenant.platform,
            platform_id=tenant.platform_id,
            name=tenant.name,
            sync_status=tenant.sync_status,
            stopped_at=tenant.stopped_at,
            last_sync_at=tenant.last_sync_at,
            last_successful_sync_at=tenant.last_successful_sync_at,
            next_sync_at=self.due(tenant),
            invite_url=None if tenant.is_connected else self.invite_url(tenant),
            hint=_STOPPED if is_stopped else None if tenant.is_connected else _NOT_IN_IT,
            totals=TenantTotals(
                channels=totals.channels,
                channels_archived=totals.channels_archived,
                channels_skipped=totals.channels_skipped,
                messages=totals.messages,
            ),
        )

    def due(self, tenant: Tenant) -> datetime | None:
        """When a tenant's next scheduled sync is."""
        return self.next_sync_at(tenant.id) if tenant.is_connected and tenant.stopped_at is None else None

    def invite_url(self, tenant: Tenant) -> str | None:
        """Where the bot is added to a tenant; None while the platform has not told."""
        adapter = self.adapters.get(tenant.platform)
        return adapter.invite_url if adapter else None

    async def job(self, job: Job) -> JobView:
        """A job, with its place in the queue."""
        return (await self.jobs([job]))[0]

    async def jobs(self, found: Sequence[Job]) -> list[JobView]:
        """Jobs, with their places in the queue."""
        now = self.clock()
        positions: dict[str, int | None] = {}
        ends: dict[str, datetime] = {}
        if any(job.status is JobStatus.QUEUED for job in found):
            queue = await jobs.queue(self.db, now=now)
            positions = {job.id: position for job, position in queue}
            ends = await waiting_estimates(self.db, queue, now, self.slots)
        return [job_view(job, positions.get(job.id), ends.get(job.id), now) for job in found]
