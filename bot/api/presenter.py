"""Tenants and jobs as the API shows them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.base import PlatformAdapter
from adapters.records import JsonValue
from bot.api.job_responses import FailedChannel, JobError, JobMetrics, JobProgress, JobView, RepairsLeft
from bot.api.responses import TenantTotals, TenantView
from bot.api.retention import RetentionView, retentions_of
from bot.api.unwritten import UnwrittenFields, unwritten_facts_of
from bot.queue_estimates import waiting_estimates
from bot.wording import REPAIRS_IN_WORDS
from storage import jobs, live, tenants
from storage.database import Database
from storage.jobs import Job, JobStatus
from storage.tenants import Tenant
from storage.tenants import TenantTotals as StoredTotals

_STOPPED = "Its syncs are stopped by request. POST /api/tenants with its platform and platform_id starts them again."
_UNHELD = (
    "No running process is told of this community (GET /api/processes): its syncs wait, and whether the bot is in it "
    "is not known."
)
_NOT_IN_IT = (
    "The bot is not in this community. A person who may manage it opens invite_url and adds the bot; "
    "archiving then begins by itself."
)

_RATE_LIMITED = (
    "The platform answered that there were too many requests. Nothing need be done: what was read is kept, and the "
    "next sync goes on from there{wait}."
)
_INCOMPLETE = "Its last sync did not read everything. GET /api/tenants/{id}/sync says why and what can be done."


@dataclass(frozen=True, slots=True)
class Facts:
    """A stored JSON object that an older version may have written: a field of another type counts as absent."""

    values: Mapping[str, JsonValue]

    def count(self, name: str) -> int:
        """Return a count; 0 where there is none."""
        value = self.values.get(name)
        return value if isinstance(value, int) else 0

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Return several counts by their names."""
        return {name: self.count(name) for name in names}

    def facts(self, name: str) -> "Facts":
        """Return an object; an empty one where there is none."""
        value = self.values.get(name)
        return Facts(value if isinstance(value, Mapping) else {})

    def number(self, name: str) -> float | None:
        """Return a number."""
        value = self.values.get(name)
        return float(value) if isinstance(value, int | float) else None

    def text(self, name: str) -> str | None:
        """Return a text."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def time(self, name: str) -> datetime | None:
        """Return a time with its zone."""
        text = self.text(name)
        try:
            at = datetime.fromisoformat(text) if text else None
        except ValueError:
            return None
        return at if at and at.tzinfo else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenter:
    """Makes views of rows; ``slots`` is how many syncs run at once."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    next_sync_at: Callable[[str], datetime | None]
    clock: Callable[[], datetime]
    slots: int

    async def tenant(self, tenant: Tenant) -> TenantView:
        """Present a tenant with its totals."""
        return (await self.tenants([tenant]))[0]

    async def tenants(self, page: Sequence[Tenant]) -> list[TenantView]:
        """Present tenants with their totals, by one query of each kind for all of them."""
        ids = [tenant.id for tenant in page]
        totals = await tenants.totals_of(self.db, ids)
        unwritten = await unwritten_facts_of(self.db, ids)
        kept = await retentions_of(self.db, ids)
        led = await live.processes_of(self.db, ids)
        return [
            self._tenant(each, totals[each.id], unwritten[each.id], kept.get(each.id), led.get(each.id))
            for each in page
        ]

    def _tenant(
        self,
        tenant: Tenant,
        totals: StoredTotals,
        unwritten: UnwrittenFields,
        kept: RetentionView | None,
        process: str | None,
    ) -> TenantView:
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
            process=process,
            invite_url=None if tenant.is_connected else self.invite_url(tenant),
            hint=self._hint(tenant, process),
            content_retention=kept,
            **unwritten,
            totals=TenantTotals(
                channels=totals.channels,
                channels_archived=totals.channels_archived,
                channels_skipped=totals.channels_skipped,
                messages=totals.messages,
            ),
        )

    def _hint(self, tenant: Tenant, process: str | None) -> str | None:
        """Return advice to the operator about a tenant whose status is not ok; None where there is none."""
        if tenant.stopped_at is not None:
            return _STOPPED
        if tenant.part is not None and process is None and self.adapters:
            return _UNHELD
        if not tenant.is_connected:
            return _NOT_IN_IT
        if tenant.sync_status == "rate_limited":
            until = tenant.not_before
            wait = f" at {until:%Y-%m-%d %H:%M:%S} UTC at the earliest" if until and until > self.clock() else ""
            return _RATE_LIMITED.format(wait=wait)
        return _INCOMPLETE.format(id=tenant.id) if tenant.sync_status in ("failed", "partial") else None

    def due(self, tenant: Tenant) -> datetime | None:
        """Return when a tenant's next scheduled sync is."""
        return self.next_sync_at(tenant.id) if tenant.is_connected and tenant.stopped_at is None else None

    def invite_url(self, tenant: Tenant) -> str | None:
        """Return the link that adds the bot to a community; None before the first connection to the platform."""
        adapter = self.adapters.get(tenant.platform)
        return adapter.invite_url if adapter else None

    async def job(self, job: Job) -> JobView:
        """Present a job, with its place in the queue."""
        return (await self.jobs([job]))[0]

    async def jobs(self, found: Sequence[Job]) -> list[JobView]:
        """Present jobs, with their places in the queue."""
        now = self.clock()
        positions: dict[str, int | None] = {}
        ends: dict[str, datetime] = {}
        if any(job.status is JobStatus.QUEUED for job in found):
            queue = await jobs.queue(self.db, now=now)
            positions = {job.id: position for job, position in queue}
            ends = await waiting_estimates(self.db, queue, now, self.slots)
        return [job_view(job, positions.get(job.id), ends.get(job.id)) for job in found]


def job_view(job: Job, position: int | None, expected_at: datetime | None) -> JobView:
    """Present a job; its place in the queue and its expected end are for a waiting one."""
    totals = Facts(job.totals)
    if job.status is JobStatus.RUNNING:
        expected_at = totals.time("estimated_completion_at")
    return JobView(
        job_id=job.id,
        tenant_id=job.tenant_id,
        kind=job.kind,
        status=job.status,
        cancel_requested=job.cancel_requested,
        attempt=job.attempt,
        queue_position=position,
        queued_at=job.queued_at,
        run_after=job.run_after,
        started_at=job.started_at,
        finished_at=job.finished_at,
        estimated_completion_at=expected_at,
        progress=_job_progress(job, totals),
        metrics=JobMetrics(
            duration_seconds=_duration_seconds(job, totals),
            **totals.counts(JobMetrics.model_fields.keys() - {"duration_seconds"}),
        ),
        error=_job_error(job.error) if job.error else None,
    )


_OTHERWISE_SHOWN = {"fraction", "proven_until", "repairs_left", "repairing"}


def _job_progress(job: Job, totals: Facts) -> JobProgress:
    in_words = {kind.value: words for kind, words in REPAIRS_IN_WORDS.items()}
    return JobProgress(
        fraction=totals.number("fraction"),
        proven_until=totals.time("proven_until"),
        repairs_left=RepairsLeft(**totals.facts("repairs_left").counts(RepairsLeft.model_fields)),
        repairing=in_words.get(totals.text("repairing") or "") if job.status is JobStatus.RUNNING else None,
        **totals.counts(JobProgress.model_fields.keys() - _OTHERWISE_SHOWN),
    )


def _duration_seconds(job: Job, totals: Facts) -> float | None:
    """Return what the worker measured; the clock, which can be set, is no measure of what is running."""
    seconds = totals.number("duration_seconds")
    if seconds is not None or job.started_at is None:
        return seconds
    return max((job.finished_at - job.started_at).total_seconds(), 0.0) if job.finished_at else 0.0


def _job_error(error: Mapping[str, JsonValue]) -> JobError:
    facts, channels = Facts(error), error.get("channels")
    return JobError(
        code=facts.text("code") or "unknown",
        message=facts.text("message") or "",
        remedy=facts.text("remedy"),
        retry_after_seconds=facts.number("retry_after_seconds"),
        scope=facts.text("scope"),
        channels=[
            FailedChannel(
                channel_id=failed.text("channel_id") or "",
                code=failed.text("code") or "unknown",
                message=failed.text("message") or "",
                remedy=failed.text("remedy"),
            )
            for failed in map(Facts, channels if isinstance(channels, list) else [])
        ],
    )
