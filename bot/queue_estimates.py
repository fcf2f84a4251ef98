"""When waiting jobs will have ended: those ahead of them, and how long each tenant's last sync took."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from storage import jobs
from storage.database import Database
from storage.jobs import Job

Queue: TypeAlias = Sequence[tuple[Job, int | None]]


async def waiting_estimates(db: Database, queue: Queue, now: datetime, slots: int) -> dict[str, datetime]:
    """Estimate the ends of the waiting jobs, by their ids; those for which there is no ground are left out.

    ``queue`` holds the running jobs, then the waiting ones in order; ``slots`` is how many run at once.
    """
    waiting = [job.tenant_id for job, position in queue if position is not None]
    durations = await jobs.last_durations(db, waiting) if waiting else {}
    return expected_ends(queue, durations, now, slots)


def expected_ends(queue: Queue, durations: Mapping[str, float], now: datetime, slots: int) -> dict[str, datetime]:
    """Estimate ends: each waiting job takes the place that is free first, as long as its tenant's last sync took."""
    never = now.replace(year=9999)  # when a place will be free whose job has no estimate
    running = [job for job, position in queue if position is None]
    places = [max(_estimated_end(job) or never, now) for job in running]
    places += [now] * (slots - len(places))
    heapify(places)
    ends: dict[str, datetime] = {}
    for job, position in queue:
        if position is None:
            continue
        free_at, seconds = heappop(places), durations.get(job.tenant_id)
        if free_at == never or seconds is None:
            heappush(places, never)
            continue
        ends[job.id] = max(free_at, job.run_after) + timedelta(seconds=seconds)
        heappush(places, ends[job.id])
    return ends


def _estimated_end(job: Job) -> datetime | None:
    at = job.totals.get("estimated_completion_at")
    return datetime.fromisoformat(at) if isinstance(at, str) else None
