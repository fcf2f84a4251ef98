"""Many tenants at once: an hourly round in which nothing is new, and small ones beside a giant."""

import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median

from tests.benchmarks.processes import NO_PACE, ONLY_MESSAGES, Daemon, Rows, daemon, simulator

CHANNELS, MESSAGES = 10, 20
LOOK_SECONDS = 1.0
GIANT, SMALL, SMALL_ONES = 1_000_000, 2_000, 10
# Fast enough for the giant to be done this year, slow enough for the pace to be what is shared.
PACED = {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "100",
    "PLATFORM_SYNC_DISCORD__REACTION_REQUESTS_PER_SECOND": "100",
}


def idle(guilds: int, shards: int = 1, *, is_verified: bool = False) -> Rows:
    """An hour in which nothing is new: every guild is synced once, followed live since its first sync.

    Where it ``is_verified`` every guild is due to be compared with the gateway's events in that hour.
    """
    settings = {**NO_PACE, **ONLY_MESSAGES, **({"PLATFORM_SYNC_SYNC__VERIFY_INTERVAL": "0 s"} if is_verified else {})}
    world = ("--world", "uniform", "--guilds", str(guilds), "--channels", str(CHANNELS), "--messages", str(MESSAGES))
    with tempfile.TemporaryDirectory() as folder, simulator(*world, "--shards", str(shards)) as discord:
        url = f"sqlite+aiosqlite:///{folder}/archive.db"
        with daemon(discord, Path(folder), url, **settings) as running:
            began = time.monotonic()
            synced = _until_all_are_ok(running, guilds)
            first = time.monotonic() - began
            before, cpu, began = _sent(discord.requests()), running.cpu_seconds, time.monotonic()
            for tenant_id in synced:
                running.sync(tenant_id)
            _until_idle(running)
            used, seconds = running.cpu_seconds - cpu, time.monotonic() - began
            requests = _sent(discord.requests()) - before
            memory = running.resident_mib
            assert all(t["last_successful_sync_at"] != synced[t["id"]] for t in running.tenants()), "a sync failed"
    name = f"{guilds:,} guilds of {CHANNELS} channels, shards: {shards}" + (", all verified" if is_verified else "")
    return [(name, f"{first:.0f}", f"{requests:,}", f"{used:.1f}", f"{seconds:.1f}", f"{memory:.0f}")]


def _until_idle(running: Daemon) -> None:
    """Wait until no job is left: to look at all tenants again and again would take a third of the daemon's CPU."""
    while running.jobs_left():
        time.sleep(LOOK_SECONDS)


def _until_all_are_ok(running: Daemon, guilds: int) -> dict[str, str]:
    """Wait for the first syncs; return when each tenant's ended."""
    while True:
        _until_idle(running)
        tenants = running.tenants()
        if len(tenants) == guilds and all(tenant["sync_status"] == "ok" for tenant in tenants):
            return {tenant["id"]: tenant["last_successful_sync_at"] for tenant in tenants}
        time.sleep(LOOK_SECONDS)


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
