"""The progress of running syncs, drawn on a terminal."""

import asyncio
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.attempt import Attempt
from bot.sync import Progress as JobProgress

_REDRAW_SECONDS = 0.25


async def show_progress(console: Console, running: Mapping[str, Attempt]) -> None:
    """Draw a bar for each running job until cancelled."""
    bars = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    drawn: dict[str, TaskID] = {}
    with bars:
        while True:
            for job_id in [job_id for job_id in drawn if job_id not in running]:
                bars.remove_task(drawn.pop(job_id))
            for job_id, attempt in running.items():
                if job_id not in drawn:
                    drawn[job_id] = bars.add_task("", total=None, counts="listing channels")
                name = attempt.name or attempt.job.tenant_id
                bars.update(drawn[job_id], description=f"{attempt.job.kind} sync of {name}")
                _draw(bars, drawn[job_id], attempt.progress)
            await asyncio.sleep(_REDRAW_SECONDS)


def _draw(bars: Progress, bar: TaskID, progress: JobProgress) -> None:
    """Draw how far a job is by the fraction that the API tells; without ground for one the bar only moves."""
    if progress.channel_counts["channels_total"]:
        fraction = progress.fraction
        bars.update(bar, total=None if fraction is None else 1.0, completed=fraction or 0.0, counts=counts_of(progress))


def counts_of(progress: JobProgress) -> str:
    """Describe how far a job is in a few words."""
    counts, fraction = progress.channel_counts, progress.fraction
    settled, messages = counts["channels_done"] + counts["channels_failed"], progress.totals["messages"]
    parts = [f"{int(fraction * 100)} %"] if fraction is not None else []
    parts.append(f"{settled} of {counts['channels_total']} channels, {messages:,} messages")
    if progress.repairs_pending:
        parts.append(f"{progress.repairs_pending:,} ranges to read again")
    if progress.reactions_pending:
        parts.append(f"{progress.reactions_pending:,} lists of reactions to fetch")
    return "; ".join(parts)
