"""Jobs as the API shows them."""

from dataclasses import replace
from datetime import timedelta

from bot.api.presenter import job_view
from storage.jobs import Job, JobKind, JobStatus
from tests.support.builders import NOW

RUNNING = Job(
    id="019adf2c-5b1e-7000-8a4b-2f1c9d0e7a11",
    tenant_id="discord-100",
    kind=JobKind.MANUAL,
    status=JobStatus.RUNNING,
    attempt=1,
    run_after=NOW,
    rank_at=NOW,
    owner="worker",
    lease_until=NOW,
    cancel_requested=False,
    queued_at=NOW,
    started_at=NOW,
    finished_at=None,
    totals={},
    error=None,
)


def shown_seconds(job: Job) -> float | None:
    """Return the duration that the API shows of a job."""
    return job_view(job, None, None).metrics.duration_seconds


def test_a_duration_is_what_was_measured_and_no_difference_of_times_that_may_be_set_back() -> None:
    assert shown_seconds(replace(RUNNING, status=JobStatus.QUEUED, started_at=None)) is None
    assert shown_seconds(RUNNING) == 0.0, "more, before the first heartbeat, would be taken back by it"
    assert shown_seconds(replace(RUNNING, totals={"duration_seconds": 2.005})) == 2.005
    ended = replace(RUNNING, status=JobStatus.CANCELLED, finished_at=NOW + timedelta(seconds=5))
    assert shown_seconds(ended) == 5.0, "its worker died before it measured anything"
    assert shown_seconds(replace(ended, finished_at=NOW - timedelta(hours=1))) == 0.0
