"""How the state of something is shown: by a sign, a word and a tone, so that the colour is never all there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.api import TenantView
from storage.jobs import JobKind, JobStatus
from storage.tenants import SyncStatus


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign with its word; ``tone`` is one of the style sheet's: good, busy, warn or bad."""

    sign: str
    words: str
    tone: str


_TENANT: Mapping[SyncStatus, Sign] = {
    SyncStatus.PENDING: Sign("…", "waits for its first sync", "busy"),
    SyncStatus.SYNCING: Sign("↻", "syncing", "busy"),
    SyncStatus.OK: Sign("✓", "synced", "good"),
    SyncStatus.PARTIAL: Sign("◐", "partial", "warn"),
    SyncStatus.FAILED: Sign("✕", "failed", "bad"),
    SyncStatus.RATE_LIMITED: Sign("⏸", "rate limited", "warn"),
    SyncStatus.DISCONNECTED: Sign("⊘", "the bot is not in it", "bad"),
}
_STOPPED = Sign("■", "stopped", "warn")
_JOB: Mapping[JobStatus, Sign] = {
    JobStatus.QUEUED: Sign("…", "waiting", "busy"),
    JobStatus.RUNNING: Sign("↻", "running", "busy"),
    JobStatus.SUCCEEDED: Sign("✓", "succeeded", "good"),
    JobStatus.PARTIAL: Sign("◐", "partial", "warn"),
    JobStatus.FAILED: Sign("✕", "failed", "bad"),
    JobStatus.RATE_LIMITED: Sign("⏸", "rate limited", "warn"),
    JobStatus.CANCELLED: Sign("■", "cancelled", "warn"),
}
_KINDS: Mapping[JobKind, str] = {
    JobKind.INITIAL: "first sync",
    JobKind.SCHEDULED: "routine sync",
    JobKind.MANUAL: "requested sync",
    JobKind.AUDIT: "audit",
}

_PROCESS: Mapping[str, Sign] = {
    "running": Sign("✓", "running", "good"),
    "away": Sign("✕", "away", "bad"),
}


def tenant_sign(tenant: TenantView) -> Sign:
    """Return how a tenant stands."""
    return _STOPPED if tenant.stopped_at is not None else _TENANT[tenant.sync_status]


def job_sign(status: JobStatus) -> Sign:
    """Return how a job stands, or how it ended."""
    return _JOB[status]


def process_sign(state: Literal["running", "away"]) -> Sign:
    """Return how a process stands."""
    return _PROCESS[state]


def kind_in_words(kind: JobKind) -> str:
    """Return why a job was enqueued."""
    return _KINDS[kind]
