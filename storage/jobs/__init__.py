"""The queue of syncs: at most one unfinished job a tenant, each run by one worker that holds a lease on it."""

from storage.jobs.enqueue import (
    CALL_OFF,
    cancel,
    enqueue,
)
from storage.jobs.fencing import (
    insist_on,
)
from storage.jobs.figures import (
    QueueFigures,
    last_durations,
    queue_figures,
)
from storage.jobs.lease import (
    claim,
    finish,
    renew,
)
from storage.jobs.model import (
    HELD,
    Job,
    JobKind,
    JobLease,
    JobStatus,
)
from storage.jobs.order import (
    queue,
    queue_position,
    somebody_waits,
)
from storage.jobs.queries import (
    due_tenants,
    get_job,
    list_jobs,
    newest_job,
)
from storage.jobs.requeue import (
    release,
    release_orphans,
    step_aside,
)
from storage.jobs.tenant_status import (
    SETTLE,
    SETTLED_STATUS,
)

__all__ = [
    "CALL_OFF",
    "HELD",
    "SETTLE",
    "SETTLED_STATUS",
    "Job",
    "JobKind",
    "JobLease",
    "JobStatus",
    "QueueFigures",
    "cancel",
    "claim",
    "due_tenants",
    "enqueue",
    "finish",
    "get_job",
    "insist_on",
    "last_durations",
    "list_jobs",
    "newest_job",
    "queue",
    "queue_figures",
    "queue_position",
    "release",
    "release_orphans",
    "renew",
    "somebody_waits",
    "step_aside",
]
