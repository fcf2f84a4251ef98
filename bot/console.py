"""The progress of running syncs, drawn on a terminal."""

import asyncio
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.sync import Progress as JobProgress

_REDRAW_SECONDS = 0.25


async def show_progress(console: Console, running: Mapping[str, JobProgress]) -> None:
    """Draw a bar for each running job until cancelled."""
    bars = Progress(
        TextColumn("{task.description}"),
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
            for job_id, progress in running.items():
                if job_id not in drawn:
                    drawn[job_id] = bars.add_task(f"sync {job_id[-6:]}", total=None, counts="listing channels")
                _draw(bars, drawn[job_id], progress)
            await asyncio.sleep(_REDRAW_SECONDS)


def _draw(bars: Progress, bar: TaskID, progress: JobProgress) -> None:
    counts = progress.channel_counts
    total, settled = counts["channels_total"], counts["channels_done"] + counts["channels_failed"]
    if not total:
        return
    text = f"{settled} of {total} channels, {progress.messages:,} messages"
    if progress.reactions_done:
        done, pending = progress.reactions_done, progress.reactions_pending
        total, settled = done + pending, done
        text = f"{progress.messages:,} messages; reactions: {done:,} of {total:,} lists of users"
    bars.update(bar, total=total, completed=settled, counts=text)
