"""Many tenants at once: an hourly round in which nothing is new, and small ones beside a giant."""

import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import NO_PACE, ONLY_MESSAGES, Daemon, Rows, daemon, simulator, wait_for_success

TENANTS, CHANNELS = 100, 10
GIANT, SMALL, SMALL_ONES = 1_000_000, 2_000, 10
# Fast enough for the giant to be done this year, slow enough for the pace to be what is shared.
PACED = {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "100",
    "PLATFORM_SYNC_DISCORD__REACTION_REQUESTS_PER_SECOND": "100",
}


def idle() -> Rows:
    """The second sync of a hundred tenants."""
    world = ("--world", "uniform", "--guilds", str(TENANTS), "--channels", str(CHANNELS), "--messages", "20")
    with tempfile.TemporaryDirectory() as folder, simulator(*world) as discord:
        url = f"sqlite+aiosqlite:///{folder}/archive.db"
        with daemon(discord, Path(folder), url, **NO_PACE) as running:
            wait_for_success(running)
            before, cpu, began = _sent(discord.requests()), running.cpu_seconds, time.monotonic()
            synced = {tenant["id"]: tenant["last_successful_sync_at"] for tenant in running.tenants()}
            for tenant_id in synced:
                running.sync(tenant_id)
            while any(t["last_successful_sync_at"] == synced[t["id"]] for t in running.tenants()):
                time.sleep(0.5)
            used = running.cpu_seconds - cpu
            seconds = time.monotonic() - began
            requests = _sent(discord.requests()) - before
    return [(f"{TENANTS} tenants of {CHANNELS} channels", str(requests), f"{used:.1f}", f"{seconds:.1f}")]


def _sent(counts: dict[str, dict[str, int]]) -> int:
    return sum(n for statuses in counts.values() for n in statuses.values())


def fairness() -> Rows:
    """Small tenants' first syncs alone, and beside a giant's: at four places, and at one that is taken in turns."""
    small = ",".join([str(SMALL)] * SMALL_ONES)
    return [
        ("alone", *_seconds(small, 4)),
        (f"beside a tenant of {GIANT:,}", *_seconds(f"{GIANT},{small}", 4)),
        ("beside it, with one place for both", *_seconds(f"{GIANT},{small}", 1)),
    ]


def _seconds(sizes: str, places: int) -> tuple[str, str, str]:
    settings = {
        **PACED,
        **ONLY_MESSAGES,
        "PLATFORM_SYNC_SYNC__CONCURRENT_TENANTS": str(places),
        "PLATFORM_SYNC_SYNC__TIME_SLICE": "5 s",
    }
    world = ("--world", "uneven", "--sizes", sizes, "--channels", "10")
    with tempfile.TemporaryDirectory() as folder, simulator(*world) as discord:
        url = f"sqlite+aiosqlite:///{folder}/archive.db"
        with daemon(discord, Path(folder), url, **settings) as running:
            took = _small_jobs(running)
    return f"{min(took):.1f}", f"{median(took):.1f}", f"{max(took):.1f}"


def _small_jobs(running: Daemon) -> list[float]:
    """From being queued to the end, of every small tenant's first sync."""
    while True:
        done = [tenant for tenant in running.tenants() if tenant["last_successful_sync_at"]]
        if len(done) >= SMALL_ONES:
            jobs = [running.job(tenant["id"]) for tenant in done]
            return [(_time(job["finished_at"]) - _time(job["queued_at"])).total_seconds() for job in jobs]
        time.sleep(0.5)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
