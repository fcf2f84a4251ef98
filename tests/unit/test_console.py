"""The progress on a terminal: whose sync, how far, how long it still takes, also where the terminal is narrow."""

import asyncio
import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from bot.attempt import Attempt
from bot.console import show_progress
from bot.sync import Progress
from bot.sync.estimator import SyncEstimator
from bot.sync.outcomes import ChannelOutcome, Outcomes
from storage.jobs import Job, JobKind, JobLease, JobStatus

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def a_quarter() -> Attempt:
    """A sync that has fetched 100 of 400 lists of reactions in 100 s."""
    times = iter([0.0, 0.0])
    estimator = SyncEstimator(now=lambda: next(times, 100.0))
    estimator.begin(0, page_size=100)
    estimator.begin_reactions(400)
    estimator.lists_done = 100
    progress = Progress(
        channels=Outcomes({"1": ChannelOutcome.DONE}), estimator=estimator, reactions_pending=300, messages=2_000
    )
    job = Job(
        id="1",
        tenant_id="discord-485780933836954817",
        kind=JobKind.SCHEDULED,
        status=JobStatus.RUNNING,
        attempt=1,
        run_after=NOW,
        rank_at=NOW,
        owner="me",
        lease_until=NOW,
        cancel_requested=False,
        queued_at=NOW,
        started_at=NOW,
        finished_at=None,
        totals={},
        error=None,
    )
    lease = JobLease(job_id="1", owner="me", attempt=1)
    return Attempt(job=job, lease=lease, progress=progress, name="The [red] Village Garden")


@pytest.mark.parametrize(("width", "seen"), [(66, ()), (160, ("scheduled: 1 of 1 channels",))])
async def test_name_percent_and_end_are_always_there(width: int, seen: tuple[str, ...]) -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=width)
    drawing = asyncio.create_task(show_progress(console, {"1": a_quarter()}))
    for _ in range(500):
        if "left" in output.getvalue():
            break
        await asyncio.sleep(0.01)
    drawing.cancel()
    await asyncio.gather(drawing, return_exceptions=True)
    for words in ("The [red] Village Garden", "25 %", "about 0:05:00 left", *seen):
        assert words in output.getvalue()


async def test_what_is_nearly_done_is_not_called_done() -> None:
    output, nearly = io.StringIO(), a_quarter()
    nearly.progress.estimator.lists_done = 399
    drawing = asyncio.create_task(show_progress(Console(file=output, force_terminal=True, width=160), {"1": nearly}))
    for _ in range(500):
        if " %" in output.getvalue():
            break
        await asyncio.sleep(0.01)
    drawing.cancel()
    await asyncio.gather(drawing, return_exceptions=True)
    assert "99 %" in output.getvalue()
    assert "100 %" not in output.getvalue()
