"""The queue of syncs: at most one unfinished job a tenant, each run by one worker that holds a lease on it."""

from storage.jobs.claimable import Claimable
from storage.jobs.enqueue import (
    CANCEL,
    cancel,
    enqueue,
)
from storage.jobs.guard import (
    extend_lease,
    require_lease,
)
from storage.jobs.lease import (
    claim,
    finish,
    renew,
)
from storage.jobs.model import (
    HELD,
    LONGEST_WAIT,
    Job,
    JobKind,
    JobLease,
    JobStatus,
)
from storage.jobs.order import (
    has_due_jobs,
    queue,
    queue_position,
)
from storage.jobs.prune import (
    prune_jobs,
)
from storage.jobs.queries import (
    QueueFigures,
    due_tenants,
    get_job,
    last_durations,
    list_jobs,
    newest_job,
    queue_figures,
    running_by_owner,
)
from storage.jobs.requeue import (
    release,
    release_orphans,
    yield_job,
)
from storage.jobs.tenant_status import (
    SETTLED_STATUS,
    settle_status,
)

__all__ = [
    "CANCEL",
    "HELD",
    "LONGEST_WAIT",
    "SETTLED_STATUS",
    "Claimable",
    "Job",
    "JobKind",
    "JobLease",
    "JobStatus",
    "QueueFigures",
    "cancel",
    "claim",
    "due_tenants",
    "enqueue",
    "extend_lease",
    "finish",
    "get_job",
    "has_due_jobs",
    "last_durations",
    "list_jobs",
    "newest_job",
    "prune_jobs",
    "queue",
    "queue_figures",
    "queue_position",
    "release",
    "release_orphans",
    "renew",
    "require_lease",
    "running_by_owner",
    "settle_status",
    "yield_job",
]
