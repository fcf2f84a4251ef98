"""Running the simulator, the daemon and the plain loop as processes, and what the kernel says they used."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one run took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    requests: int


def get(url: str) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 (loopback)
        return json.load(answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discord:
    """A running simulator."""

    rest_url: str
    gateway_url: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        """What points a daemon at it."""
        return {
            "DISCORD_BOT_TOKEN": self.token,
            "PLATFORM_SYNC_DISCORD__REST_URL": self.rest_url,
            "PLATFORM_SYNC_DISCORD__GATEWAY_URL": self.gateway_url,
        }

    def requests(self) -> dict[str, dict[str, int]]:
        """{route: {status: requests}} since it began."""
        counts: dict[str, dict[str, int]] = get(self.rest_url.removesuffix("/api/v10") + "/_simulator/requests")
        return counts


@contextmanager
def simulator(*arguments: str) -> Iterator[Discord]:
    """A simulator of its own process, so that it does not share the daemon's core or memory."""
    command = [sys.executable, "-m", "adapters.discord.simulator", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield Discord(**json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait()


def run_daemon(discord: Discord, folder: Path, database_url: str, **settings: str) -> Usage:
    """Start the daemon, wait for its first sync to succeed, stop it."""
    log_file = folder / "daemon.log"
    environment = {
        **os.environ,
        **discord.environment,
        "PLATFORM_SYNC_DATABASE__URL": database_url,
        "PLATFORM_SYNC_HTTP__PORT": "0",
        "PLATFORM_SYNC_LOG__FORMAT": "json",
        **settings,
    }
    with log_file.open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "bot", "run"], cwd=ROOT, env=environment, stderr=log)
    try:
        seconds = _wait_for_success(_url(log_file))
    finally:
        process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    sent = sum(n for statuses in discord.requests().values() for n in statuses.values())
    return Usage(
        seconds=seconds,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mib=used.ru_maxrss / 1024,
        requests=sent,
    )


def run_plain_loop(discord: Discord, folder: Path) -> Usage:
    """The loop that everybody would write first."""
    started = time.monotonic()
    command = [sys.executable, "-W", "ignore", "-m", "tests.bench.plain_loop", str(folder / "plain.db")]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **discord.environment}, stdout=subprocess.PIPE)
    assert process.stdout is not None
    seconds = float(process.stdout.readline() or time.monotonic() - started)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return Usage(seconds=seconds, cpu_seconds=used.ru_utime + used.ru_stime, peak_mib=used.ru_maxrss / 1024, requests=0)


def _url(log: Path) -> str:
    """Where the daemon serves, by its own word."""
    for _ in range(300):
        for line in log.read_text().splitlines():
            if line.startswith("{") and (url := json.loads(line).get("url")):
                return str(url)
        time.sleep(0.1)
    raise RuntimeError(f"the daemon did not start:\n{log.read_text()}")


def _wait_for_success(url: str) -> float:
    """Seconds from the start of the first job to its end."""
    while True:
        tenants = get(f"{url}/api/tenants")["tenants"]
        if tenants and all(tenant["last_successful_sync_at"] for tenant in tenants):
            syncs = [get(f"{url}/api/tenants/{tenant['id']}/sync") for tenant in tenants]
            return max(float(sync["job"]["metrics"]["duration_seconds"]) for sync in syncs)
        time.sleep(POLL_SECONDS)
