"""What the API takes and gives."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class NewTenant(BaseModel):
    """POST /api/tenants"""

    model_config = ConfigDict(strict=True, extra="forbid")

    platform: str
    platform_id: Annotated[str, Field(pattern=r"^[0-9]{1,20}$", description="the guild's id, as text")]
    name: Annotated[str, Field(max_length=200)] | None = None


class SyncRequest(BaseModel):
    """POST /api/tenants/{tenantId}/sync: nothing to say yet."""

    model_config = ConfigDict(strict=True, extra="forbid")


class TenantTotals(_Model):
    """How much of a tenant is archived."""

    channels: int
    channels_archived: int
    channels_skipped: int
    messages: int


class TenantView(_Model):
    """A tenant."""

    id: str
    platform: str
    platform_id: str
    name: str | None
    sync_status: str
    last_sync_at: datetime | None
    last_successful_sync_at: datetime | None
    next_sync_at: datetime | None
    totals: TenantTotals


class JobProgress(_Model):
    """How far a job is. ``fraction`` is of its channels, null before they are counted."""

    channels_done: int
    channels_failed: int
    channels_skipped: int
    channels_total: int
    messages: int
    fraction: float | None


class JobMetrics(_Model):
    """What a job took."""

    duration_seconds: float | None
    messages: int
    requests: int
    retries: int


class JobView(_Model):
    """A sync job."""

    job_id: str
    tenant_id: str
    kind: str
    status: str
    attempt: int
    queue_position: int | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    progress: JobProgress
    metrics: JobMetrics
    error: dict[str, Any] | None


class SyncState(_Model):
    """How fresh a tenant's archive is. ``checkpoint_age_seconds``: since it was last complete; null if it never was."""

    job: JobView | None
    next_sync_at: datetime | None
    last_successful_sync_at: datetime | None
    checkpoint_age_seconds: float | None


class CreatedTenant(TenantView):
    """A tenant as answered to its creation."""

    created: bool
    job: JobView | None
    invite_url: str | None = None


class CreatedJob(JobView):
    """A job as answered to the request for it."""

    created: bool


class TenantList(_Model):
    """A page of tenants; ``next_cursor`` null ends them."""

    tenants: list[TenantView]
    next_cursor: str | None
