"""Answers as tables for a terminal; where the output is no terminal the same columns, as wide as they need to be."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.api import HitView, JobView, ProcessView, TenantView
from storage.privacy import ErasureRequest, OptOut

_NEVER = "-"
_EVERYWHERE = "everywhere"
_MESSAGE = 200  # characters of its text
_WHOLE = ("tenant", "job", "kind", "status", "id", "sent", "process", "state", "archives")
_NAME_WIDTH = 24
_WIDE = 100_000  # nothing is cut where a program reads


def show_tenants(tenants: Iterable[TenantView]) -> None:
    """Print one line a tenant, and below what can be done where one is not in order."""
    found = list(tenants)
    heads = ("tenant", "name", "status", "messages", "channels", "complete as of", "next sync")
    _show(
        heads,
        [
            (
                tenant.id,
                tenant.name or _NEVER,
                "stopped" if tenant.stopped_at else tenant.sync_status.value,
                f"{tenant.totals.messages:,}",
                f"{tenant.totals.channels_archived:,} of {tenant.totals.channels:,}",
                shown_time(tenant.last_successful_sync_at),
                shown_time(tenant.next_sync_at),
            )
            for tenant in found
        ],
        right=("messages",),
    )
    for tenant in found:
        for line in (tenant.hint, tenant.invite_url, tenant.warning):
            if line:
                say(f"{tenant.id}: {line}")


def show_jobs(jobs: Iterable[JobView]) -> None:
    """Print one line a job."""
    heads = ("job", "status", "kind", "tenant", "messages", "queued", "ended", "what of it")
    _show(
        heads,
        [
            (
                job.job_id,
                job.status.value,
                job.kind.value,
                job.tenant_id,
                f"{job.metrics.messages:,}",
                shown_time(job.queued_at),
                shown_time(job.finished_at),
                remark_on(job),
            )
            for job in jobs
        ],
        right=("messages",),
    )


def show_processes(processes: Iterable[ProcessView]) -> None:
    """Print one line a process."""
    heads = ("process", "state", "archives", "connects", "jobs", "started", "last seen", "version", "API")
    _show(
        heads,
        [
            (
                each.id,
                each.state,
                shown_parts(each.leads) or _NEVER,
                shown_parts(each.held) or _NEVER,
                f"{each.running_jobs:,}",
                shown_time(each.started_at),
                _exact(each.seen_at),
                each.version,
                each.address or _NEVER,
            )
            for each in processes
        ],
        right=("jobs",),
    )


def shown_parts(parts: Mapping[str, Sequence[str]]) -> str:
    """Write parts of connections by their platforms; nothing where there are none."""
    return "; ".join(f"{platform} {' '.join(names)}" for platform, names in parts.items() if names)


def show_hits(hits: Iterable[HitView]) -> None:
    """Print one line a message that was found."""
    _show(
        ("sent", "channel", "author", "message", "id"),
        [
            (
                shown_time(hit.sent_at),
                hit.channel.name or hit.channel.platform_id,
                hit.author or _NEVER,
                " ".join(hit.content.split())[:_MESSAGE],
                hit.platform_id,
            )
            for hit in hits
        ],
    )


def show_erasures(requests: Iterable[ErasureRequest]) -> None:
    """Print one line an erasure request, without saying whose it is."""
    _show(
        ("requested", "status", "person", "tenant"),
        [
            (
                _exact(request.requested_at),
                "completed" if request.completed_at else "erased" if request.swept_at else "erasing",
                request.pseudonym,
                request.tenant_id or _EVERYWHERE,
            )
            for request in requests
        ],
    )


def show_opt_outs(opt_outs: Iterable[OptOut]) -> None:
    """Print one line an opt-out, without saying whose it is."""
    _show(
        ("withheld from", "until", "person", "tenant"),
        [
            (
                _exact(each.withheld_from) if each.withheld_from else "the beginning",
                _exact(each.withheld_until) if each.withheld_until else "now",
                each.pseudonym,
                each.tenant_id or _EVERYWHERE,
            )
            for each in opt_outs
        ],
    )


def remark_on(job: JobView) -> str:
    """Say in a few words what a job's status alone does not: its place, how far it is, what went wrong."""
    if job.error is not None:
        return f"{job.error.code}: {job.error.message}"
    if job.queue_position is not None:
        return f"{job.queue_position:,} in the queue"
    if job.finished_at is None and job.progress.fraction is not None:
        return f"{int(job.progress.fraction * 100)} % done"
    return ""


def shown_time(at: datetime | None) -> str:
    """Write a time in UTC to the minute; a hyphen where there is none."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at else _NEVER


def _exact(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def say(line: str) -> None:
    """Print a line to standard output."""
    _console().print(_safe(line), soft_wrap=True)


def _show(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    is_terminal = sys.stdout.isatty()
    for place, head in enumerate(heads):
        # Ids stay whole, to be copied; names and remarks give way on a narrow terminal.
        least = max(len(row[place]) for row in [heads, *rows]) if head in _WHOLE else None
        most = _NAME_WIDTH if head == "name" and is_terminal else None
        side: Literal["left", "right"] = "right" if head in right else "left"
        table.add_column(head, justify=side, no_wrap=True, overflow="ellipsis", min_width=least, max_width=most)
    for row in rows:
        table.add_row(*map(_safe, row))
    _console().print(table)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False)


def _safe(text: str) -> Text:
    """Keep names of communities from steering the terminal."""
    return Text("".join(one if one.isprintable() else "\ufffd" for one in text))
