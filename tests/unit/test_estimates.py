"""When a waiting job will have ended."""

from datetime import UTC, datetime, timedelta

from bot.queue_estimates import expected_ends
from storage.jobs import Job, JobKind, JobStatus

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(name: str, ends_in: float | None = None, due_in: float = 0) -> Job:
    ends_at = None if ends_in is None else (NOW + timedelta(seconds=ends_in)).isoformat()
    return Job(
        id=name,
        tenant_id=f"discord-{name}",
        kind=JobKind.SCHEDULED,
        status=JobStatus.QUEUED,
        attempt=0,
        run_after=NOW + timedelta(seconds=due_in),
        rank_at=NOW,
        owner=None,
        lease_until=None,
        cancel_requested=False,
        queued_at=NOW,
        started_at=None,
        finished_at=None,
        totals={"estimated_completion_at": ends_at},
        error=None,
    )


def seconds(ends: dict[str, datetime]) -> dict[str, float]:
    return {name: (at - NOW).total_seconds() for name, at in ends.items()}


def test_waiting_jobs_take_the_places_as_they_become_free() -> None:
    queue = [(job("a", 10), None), (job("b", 30), None), (job("c"), 1), (job("d"), 2), (job("e"), 3)]
    ends = expected_ends(queue, {"discord-c": 5.0, "discord-d": 50.0, "discord-e": 1.0}, NOW, 2)
    assert seconds(ends) == {"c": 15, "d": 65, "e": 31}


def test_a_free_place_is_taken_at_once_but_not_before_the_job_is_due() -> None:
    ends = expected_ends([(job("a"), 1), (job("b", due_in=100), 2)], {"discord-a": 5.0, "discord-b": 5.0}, NOW, 4)
    assert seconds(ends) == {"a": 5, "b": 105}


def test_without_ground_there_is_no_estimate() -> None:
    queue = [(job("a"), None), (job("b"), 1)]
    assert expected_ends(queue, {"discord-b": 5.0}, NOW, 1) == {}, "nobody knows when the running one ends"
    assert expected_ends([(job("c"), 1), (job("d"), 2)], {"discord-d": 5.0}, NOW, 1) == {}, "c was never synced"
