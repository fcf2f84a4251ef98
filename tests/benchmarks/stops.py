"""How long the event loop stands still at most, in a guild of very many archived threads.

Each phase has a process of its own, so that the metric, which looks ten minutes back, is the phase's. All threads are
listed in the first sync and a tenth of a percent of them has news in the second; an audit reads again as many as its
budget allows.
"""

import os
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.benchmarks.processes import NO_PACE, ONLY_MESSAGES, Daemon, Discord, Rows, daemon, simulator

CHANNELS, THREADS = 50, 100_000
_WAIT_SECONDS = 1.0


def stops(threads: int = THREADS) -> Rows:
    """One row a phase: seconds, the longest stop in milliseconds, the most MiB of memory, the load at its end."""
    world = ("--world", "uniform", "--channels", str(CHANNELS), "--messages", "20", "--threads", str(threads))
    with tempfile.TemporaryDirectory() as folder, simulator(*world, "--archived") as discord:
        rows = [_phase("the first sync", discord, Path(folder))]
        with closing(sqlite3.connect(Path(folder) / "archive.db")) as db, db:
            db.execute("UPDATE sync_progress SET is_read_to_end = FALSE WHERE channel_id % 1000 = 0")
        rows += [_phase("a later sync", discord, Path(folder))]
        return [*rows, _phase("an audit", discord, Path(folder), kind="audit")]


def _phase(name: str, discord: Discord, folder: Path, kind: str = "manual") -> tuple[str, ...]:
    url = f"sqlite+aiosqlite:///{folder}/archive.db"
    with daemon(discord, folder, url, **NO_PACE, **ONLY_MESSAGES) as running:
        began, longest, most = time.monotonic(), 0.0, 0.0
        tenant_id = _tenant_of(running)
        before = running.job(tenant_id)
        if before["finished_at"]:  # by a process before; a first sync begins by itself
            running.sync(tenant_id, kind)
        while not _is_done(running.job(tenant_id), before):
            longest, most = max(longest, running.longest_stop()), max(most, running.resident_mib)
            time.sleep(_WAIT_SECONDS)
        longest = max(longest, running.longest_stop())
        status = running.job(tenant_id)["status"]
    seconds, load = time.monotonic() - began, os.getloadavg()[0]
    return f"{name}: {status}", f"{seconds:.0f}", f"{longest * 1000:.0f}", f"{most:.0f}", f"{load:.1f}"


def _tenant_of(running: Daemon) -> str:
    while not (tenants := running.tenants()):
        time.sleep(_WAIT_SECONDS)
    return str(tenants[0]["id"])


def _is_done(job: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether a job has ended that had not before."""
    return bool(job["finished_at"]) and (job["job_id"] != before["job_id"] or not before["finished_at"])
