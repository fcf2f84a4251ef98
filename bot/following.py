"""Follow a job of the daemon to its end: by a bar on a terminal, otherwise in silence."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bot.api import JobView
from bot.daemon_calls import DaemonCalls, DaemonUnreachable, path_of
from bot.standing import as_model

_LOOK_SECONDS = 0.5
_SILENT_TRIES = 20  # a daemon that restarts goes on with the job


async def follow_job(daemon: DaemonCalls, job: JobView) -> JobView:
    """Return a job once it has ended; Ctrl-C ends the following, and not the job.

    Raises:
        DaemonUnreachable: the daemon has not answered for ten seconds.
        DaemonRefused: it knows the job no more.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[counts]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bars:
        bar = bars.add_task(job.tenant_id, total=None, counts="")
        while job.finished_at is None:
            fraction = job.progress.fraction
            counts = f"{job.metrics.messages:,} messages"
            bars.update(bar, total=None if fraction is None else 1.0, completed=fraction or 0.0, counts=counts)
            await asyncio.sleep(_LOOK_SECONDS)
            job = await _look(daemon, job.job_id)
    return job


async def _look(daemon: DaemonCalls, job_id: str) -> JobView:
    for tries_left in reversed(range(_SILENT_TRIES)):
        try:
            return as_model(JobView, await daemon.get(path_of("api", "jobs", job_id)))
        except DaemonUnreachable:
            if not tries_left:
                raise
        await asyncio.sleep(_LOOK_SECONDS)
    raise AssertionError("the last try returns or raises")
