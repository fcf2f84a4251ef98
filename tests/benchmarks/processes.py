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
NO_PACE = {
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__REACTION_REQUESTS_PER_SECOND": "100000",
}
_LONGEST_STOP = "platform_sync_event_loop_longest_stop_seconds"
ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}

Rows = list[tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one run took."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    requests: int


def get(url: str) -> Any:
    """The JSON at an address."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 (loopback)
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


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon."""

    url: str
    pid: int

    @property
    def cpu_seconds(self) -> float:
        """What it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_mib(self) -> float:
        """Return the memory it holds now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def tenants(self) -> list[dict[str, Any]]:
        """All tenants."""
        found: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = get(f"{self.url}/api/tenants?limit=200" + (f"&cursor={cursor}" if cursor else ""))
            found += page["tenants"]
            cursor = page["next_cursor"]
        return found

    def jobs_left(self) -> int:
        """How many jobs run or wait."""
        queue = get(f"{self.url}/api/queue?limit=1")
        return int(queue["running"] + queue["waiting"])

    def job(self, tenant_id: str) -> dict[str, Any]:
        """A tenant's newest job."""
        return dict(get(f"{self.url}/api/tenants/{tenant_id}/sync")["job"])

    def longest_stop(self) -> float:
        """Return for how many seconds its event loop stood still at most, in the last ten minutes."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=60) as answer:  # noqa: S310 (loopback)
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(_LONGEST_STOP)).split()[1])

    def sync(self, tenant_id: str, kind: str = "manual") -> None:
        """Ask for a sync."""
        address, body = f"{self.url}/api/tenants/{tenant_id}/sync", json.dumps({"kind": kind}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310 (loopback)
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310 (loopback)
            pass


@contextmanager
def daemon(discord: Discord, folder: Path, database_url: str, **settings: str) -> Iterator[Daemon]:
    """A daemon that serves until the block ends."""
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
        yield Daemon(_url(log_file), process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            process.wait()


def run_daemon(discord: Discord, folder: Path, database_url: str, *, besides: str = "", **settings: str) -> Usage:
    """Start the daemon, wait for its first sync to succeed, stop it; a tenant that was there before does not count."""
    with daemon(discord, folder, database_url, **settings) as running:
        seconds = wait_for_success(running, besides=besides)
        os.kill(running.pid, signal.SIGTERM)
        _, _, used = os.wait4(running.pid, 0)
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
    command = [sys.executable, "-W", "ignore", "-m", "tests.benchmarks.plain_loop", str(folder / "plain.db")]
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


def wait_for_success(running: Daemon, *, besides: str = "") -> float:
    """Seconds that the longest of the newest jobs took, once every tenant's archive but one is complete."""
    while True:
        tenants = [tenant for tenant in running.tenants() if tenant["id"] != besides]
        if tenants and all(tenant["sync_status"] == "ok" for tenant in tenants):
            jobs = [running.job(tenant["id"]) for tenant in tenants]
            return max(float(job["metrics"]["duration_seconds"]) for job in jobs)
        time.sleep(POLL_SECONDS)
