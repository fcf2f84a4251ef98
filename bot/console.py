"""The progress of running syncs, drawn on a terminal."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column

from bot.attempt import Attempt
from bot.sync import Progress as JobProgress

_REDRAW_SECONDS = 0.25
_NAME_WIDTH = 24
_LEFT_WIDTH = len("about 00:00:00 left")


async def show_progress(console: Console, running: Mapping[str, Attempt]) -> None:
    """Draw a bar for each running job until cancelled."""
    bars = Progress(
        _column("{task.description}", Column(no_wrap=True, overflow="ellipsis", max_width=_NAME_WIDTH)),
        BarColumn(bar_width=10),
        _column("{task.fields[percent]}", Column(no_wrap=True, justify="right", min_width=5)),
        _column("{task.fields[left]}", Column(no_wrap=True, min_width=_LEFT_WIDTH)),
        # Columns in order of importance: the last ones are cut on a narrow terminal.
        _column("{task.fields[counts]}", Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        console=console,
        transient=True,
        expand=True,
    )
    drawn: dict[str, TaskID] = {}
    with bars:
        while True:
            for job_id in [job_id for job_id in drawn if job_id not in running]:
                bars.remove_task(drawn.pop(job_id))
            for job_id, attempt in running.items():
                if job_id not in drawn:
                    drawn[job_id] = bars.add_task("", total=None, percent="", left="", counts="")
                _draw(bars, drawn[job_id], attempt)
            await asyncio.sleep(_REDRAW_SECONDS)


def _column(text: str, column: Column) -> TextColumn:
    return TextColumn(text, markup=False, table_column=column)


def _draw(bars: Progress, bar: TaskID, attempt: Attempt) -> None:
    """Draw a job's progress by the fraction that the API shows; without one the bar only moves."""
    progress = attempt.progress
    fraction, seconds = progress.fraction, progress.seconds_left
    is_listed = bool(progress.channel_counts["channels_total"])
    bars.update(
        bar,
        description=attempt.name or attempt.job.tenant_id,
        total=None if fraction is None else 1.0,
        completed=fraction or 0.0,
        percent="" if fraction is None else f"{int(fraction * 100)} %",
        left="" if seconds is None else f"about {timedelta(seconds=round(seconds))} left",
        counts=f"{attempt.job.kind}: {counts_of(progress) if is_listed else 'listing channels'}",
    )


def counts_of(progress: JobProgress) -> str:
    """Describe a job's progress in a few words."""
    counts = progress.channel_counts
    settled, messages = counts["channels_done"] + counts["channels_failed"], progress.totals["messages"]
    parts = [f"{settled} of {counts['channels_total']} channels, {messages:,} messages"]
    if progress.repairs_pending:
        parts.append(f"{progress.repairs_pending:,} ranges to read again")
    if progress.reactions_pending:
        parts.append(f"{progress.reactions_pending:,} lists of reactions to fetch")
    return "; ".join(parts)
