"""What the API says to people: where it is, what becomes of a request, what can be done about a tenant."""

import socket
from pathlib import Path

import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from bot.wording import counted
from tests.support.daemon import running_daemon
from tests.support.guilds import guild_of

pytestmark = pytest.mark.usefixtures("restored_addresses")

MESSAGES = "/channels/{channel_id}/messages"
SETTINGS = {"PLATFORM_SYNC_HTTP__HOST": "::1"}


def has_ipv6() -> bool:
    """Return whether this machine has the loopback address ::1."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.slow
async def test_an_audit_that_is_requested_during_a_sync_says_when_it_begins(tmp_path: Path) -> None:
    world = uniform_world(1, 150)
    tenant_id = f"discord-{guild_of(world)}"
    settings = SETTINGS if has_ipv6() else {}
    async with Simulator(world) as sim:
        sim.faults.add(Fault("hold", route=MESSAGES, times=None))
        async with running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db", settings) as daemon:
            assert not settings or daemon.url.startswith("http://[::1]:")
            await daemon.until(lambda: daemon.get("/api/queue"), lambda queue: queue["running"] == 1)
            path = f"/api/tenants/{tenant_id}/sync"
            status, job = await daemon.ask("POST", path, json={"kind": "audit"})
            assert (status, job["created"], job["kind"]) == (200, False, "initial")
            assert "the next one does, at 20" in job["hint"]
            assert f"/api/tenants/{tenant_id}/coverage" in job["hint"]
            status, job = await daemon.ask("POST", path, json={"kind": "manual"})
            assert (status, job["created"], job["hint"]) == (200, False, None)
            sim.faults.clear()


@pytest.mark.parametrize(
    ("count", "one", "words"),
    [
        (1, "reply", "1 reply"),
        (16, "reply", "16 replies"),
        (0, "message", "0 messages"),
        (2_000, "erasure request", "2,000 erasure requests"),
    ],
)
def test_counts_are_written_with_their_nouns(count: int, one: str, words: str) -> None:
    assert counted(count, one) == words
