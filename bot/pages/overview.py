"""How one tenant stands, gathered for a page: its view, what is followed live, its audits, gaps and last sync."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.api import Api, JobView, TenantView, job_view
from bot.live import FollowedFigures
from bot.pages.signs import Sign, tenant_sign
from bot.wording import GAPS_IN_WORDS
from storage import jobs, repair
from storage.repair import Coverage, Gap
from storage.tenants import SyncStatus, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How a tenant stands at this moment."""

    tenant: TenantView
    following: FollowedFigures
    coverage: Coverage | None  # None: the tenant was removed meanwhile
    gaps: Sequence[Gap]  # those of which not all is read again yet
    newest: JobView | None  # its unfinished job, or the last one
    ended: JobView | None  # the last job that has ended

    @property
    def sign(self) -> Sign:
        """The sign of its state: a sync reaches what is new, and of times that were missed it may leave some."""
        if self.gaps and self.tenant.stopped_at is None and self.tenant.sync_status is SyncStatus.OK:
            return Sign("◐", "synced, with gaps to be read again", "warn")
        return tenant_sign(self.tenant)

    @property
    def is_unfinished(self) -> bool:
        """Whether a job of it runs or waits."""
        return self.newest is not None and self.newest.finished_at is None

    @property
    def can_sync(self) -> bool:
        """Whether a sync can be requested."""
        return self.tenant.stopped_at is None and self.tenant.sync_status != "disconnected"

    @property
    def hint(self) -> str | None:
        """What can be done, where its last sync does not say it."""
        return None if self.tenant.sync_status in ("failed", "partial") and self.can_sync else self.tenant.hint

    @property
    def open_gap(self) -> Gap | None:
        """The gap that lasts: since when changes are not received."""
        return next((gap for gap in self.gaps if gap.ended_at is None), None)

    @property
    def live_sign(self) -> Sign:
        """Whether new messages and changes come in as they happen, and for how many channels that is proven."""
        count, of = self.following.channels, self.following.of
        if self.open_gap is not None:
            return Sign("⊘", f"not followed: {GAPS_IN_WORDS[self.open_gap.reason]}", "bad")
        if not self.can_sync:
            return Sign("⊘", "not followed", "bad")
        if not self.following.is_here and self.tenant.process is None:
            return Sign("⊘", "not followed: no running process is told of it", "bad")
        if not self.following.is_here:
            return Sign("○", "another process follows it, where it can be seen how much of it", "busy")
        if count and count >= of:
            return Sign("●", f"all {of:,} channels are followed live", "good")
        if count:
            return Sign("◐", f"{count:,} of {of:,} channels are followed live, the others once they are read", "busy")
        if not of and self.tenant.last_successful_sync_at is not None:
            return Sign("○", "no channel is archived", "warn")
        return Sign("○", "not followed yet: a sync has to read it first", "warn")


async def overview_of(api: Api, tenant: Tenant) -> Overview:
    """Look a tenant's state up.

    Raises:
        StorageError: the database cannot be read.
    """
    found = await jobs.list_jobs(api.db, tenant_id=tenant.id, limit=2)
    views = [job_view(job, None, None) for job in found]  # a place in the queue would need all of the queue
    return Overview(
        tenant=await api.presenter.tenant(tenant),
        following=await api.follower.following(tenant.id),
        coverage=await repair.coverage(api.db, tenant.id),
        gaps=await repair.list_gaps(api.db, tenant.id),
        newest=views[0] if views else None,
        ended=next((job for job in views if job.finished_at is not None), None),
    )
