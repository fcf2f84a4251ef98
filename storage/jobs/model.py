"""What a job is to those who request one, run one or look at one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Float, FromClause, RowMapping, bindparam, case

from adapters.records import JsonValue
from storage.sql import DatabaseTime, fields_of
from storage.tables import sync_jobs

LONGEST_WAIT = timedelta(days=1)
"""The longest wait that a platform may request; a longer one is an error of the platform or of a clock."""


class JobKind(StrEnum):
    """Why a sync was requested."""

    INITIAL = "initial"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    AUDIT = "audit"  # everything stored is compared with what the platform has


class JobStatus(StrEnum):
    """Where a job stands, or how it ended."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    RATE_LIMITED = "rate_limited"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens to such a job."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of ``sync_jobs``."""

    id: str  # sorts by the time of queueing
    tenant_id: str
    kind: JobKind
    status: JobStatus
    attempt: int  # how often a worker has taken it up
    run_after: datetime
    rank_at: datetime  # among due jobs the earliest runs first
    owner: str | None
    lease_until: datetime | None
    cancel_requested: bool  # the worker should end it at the next safe point
    queued_at: datetime
    started_at: datetime | None  # of the first attempt
    finished_at: datetime | None
    totals: Mapping[str, JsonValue]
    error: Mapping[str, JsonValue] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLease:
    """A worker's right to a job, good until another worker takes the job up: ``attempt`` is then another."""

    job_id: str
    owner: str
    attempt: int
    seconds: float = 15.0  # length of the lease from each renewal, by the database's clock

    def as_values(self) -> dict[str, object]:
        """Return the parameters of ``HELD``."""
        return {"lease_job": self.job_id, "lease_owner": self.owner, "lease_attempt": self.attempt}

    def as_renewal(self) -> dict[str, object]:
        """Return the parameters of ``HELD`` and ``RENEWED_UNTIL``."""
        return {**self.as_values(), "lease_seconds": self.seconds}


RENEWED_UNTIL = DatabaseTime(bindparam("lease_seconds", type_=Float))
"""The expiry of a lease that is granted or renewed now, in SQL."""


HELD = (
    sync_jobs.c.id == bindparam("lease_job"),
    sync_jobs.c.owner == bindparam("lease_owner"),
    sync_jobs.c.attempt == bindparam("lease_attempt"),
    sync_jobs.c.status == "running",
)
"""That a job still belongs to a lease. One that ran out counts until another worker takes the job up."""


def due_at(job: FromClause, tenant: FromClause) -> ColumnElement[datetime]:
    """Return when a job may run: as requested, but not before the platform lets us."""
    return case((tenant.c.not_before > job.c.run_after, tenant.c.not_before), else_=job.c.run_after)


def job_of(row: RowMapping) -> Job:
    """Make a job of a row of ``sync_jobs``."""
    values = fields_of(row, Job)
    return Job(**values | {"kind": JobKind(values["kind"]), "status": JobStatus(values["status"])})
