"""An erasure request through a running daemon: wherever it listens, and whatever comes in between."""

import hashlib
import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.message_payloads import reference
from bot import app, privacy
from bot.config import load
from storage.database import open_database
from storage.privacy import record_request
from tests.support.archive_folder import everything_in
from tests.support.builders import NOW
from tests.support.daemon import Daemon, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TOKEN = "a-token-of-a-test"


def free_port(host: str) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.bind((host.strip("[]"), 0))
        return str(listening.getsockname()[1])


def lan_address() -> str | None:
    """An address of this machine that is no loopback; none where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(asking.getsockname()[0])
    return None if ipaddress.ip_address(address).is_loopback else address


HOSTS = ["127.0.0.2", "[::1]", "0.0.0.0", "::", lan_address()]  # noqa: S104


@pytest.mark.parametrize("host", HOSTS)
async def test_an_erasure_request_reaches_the_daemon_wherever_it_listens(tmp_path: Path, host: str | None) -> None:
    if host is None:
        pytest.skip("this machine has no address but the loopback one")
    url, world = f"sqlite+aiosqlite:///{tmp_path}/archive.db", uniform_world(1, 20)
    try:
        port = free_port(host)
    except OSError:
        pytest.skip(f"{host} cannot be listened on here")
    settings = {"PLATFORM_SYNC_HTTP__HOST": host, "PLATFORM_SYNC_HTTP__PORT": port, "PLATFORM_SYNC_API_TOKEN": TOKEN}
    person, *_ = [user for user in world.guilds[guild_of(world)].users.values() if not user.bot]
    async with Simulator(world) as sim, running_daemon(sim, url, settings):
        config = load(None, settings | {"PLATFORM_SYNC_DATABASE__URL": url})
        removed = await privacy.forget(
            config,
            "discord",
            str(person.id),
            hashlib.sha256(str(person.id).encode()).hexdigest(),
            hash_choice="sha256",
            tenant_id=None,
            clock=app.utc_now,
        )
        assert set(removed) == {"messages", "attachments", "reactions", "mentions"}


async def test_an_erasure_request_that_was_broken_off_is_resumed_at_start_and_can_be_followed(tmp_path: Path) -> None:
    url, world = f"sqlite+aiosqlite:///{tmp_path}/archive.db", uniform_world(1, 20)
    person, *_ = [user for user in world.guilds[guild_of(world)].users.values() if not user.bot]
    db = await open_database(url, hash_choice="sha256")
    await record_request(db, "0" * 64, tenant_id=None, now=NOW)  # and killed
    await db.close()
    async with Simulator(world) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle()

        async def requests() -> list[dict[str, object]]:
            listed: list[dict[str, object]] = (await daemon.get("/api/forgotten-users"))["requests"]
            return listed

        (resumed,) = await daemon.until(requests, lambda found: all(request["completed_at"] for request in found))
        assert (resumed["status"], resumed["tenant_id"], resumed["messages"]) == ("completed", None, 0)
        await follow(daemon, str(person.id))
        pages = [await daemon.get(f"/api/forgotten-users?limit=1&cursor={cursor}") for cursor in range(3)]
        assert [request for page in pages for request in page["requests"]] == await requests()
        assert [page["next_cursor"] for page in pages] == ["1", "2", None]
        status, problem = await daemon.ask("GET", f"/api/forgotten-users/{'0' * 32}")
        assert (status, problem["code"]) == (404, "no_such_request")


async def follow(daemon: Daemon, user_id: str) -> None:
    body = {"platform": "discord", "user_id": user_id}
    status, request = await daemon.ask("POST", "/api/forgotten-users", json=body)
    assert status in (200, 202)

    async def look() -> dict[str, object]:
        found: dict[str, object] = await daemon.get(f"/api/forgotten-users/{request['request_id']}")
        return found

    ended = await daemon.until(look, lambda found: found["completed_at"])
    assert ended["status"] == "completed"
    assert user_id not in str(ended)
    assert hashlib.sha256(user_id.encode()).hexdigest() not in str(ended)


WORDS = "unmistakable words"


async def test_no_byte_tells_of_a_person_whatever_others_made_of_their_words(tmp_path: Path) -> None:
    url, world = f"sqlite+aiosqlite:///{tmp_path}/archive.db", uniform_world(1, 20)
    guild_id = guild_of(world)
    place, *_ = world.guilds[guild_id].channels.values()
    ada, ben, *_ = [user for user in world.guilds[guild_id].users.values() if not user.bot]
    async with Simulator(world) as sim, running_daemon(sim, url) as daemon:
        original = int(sim.change.post(place.id, WORDS, ada.id, silent=True)["id"])
        snapshot = {"type": 0, "content": WORDS, "mentions": [], "attachments": [], "embeds": [], "flags": 0}
        source = reference(place.id, original, guild_id, kind=1)
        forward: dict[str, Any] = {
            "message_reference": source,
            "message_snapshots": [{"message": snapshot}],
            "flags": 1 << 14,
        }
        sim.change.post(place.id, "", ben.id, silent=True, **forward)
        quote = {"description": WORDS, "url": f"https://discord.com/channels/{guild_id}/{place.id}/{original}"}
        sim.change.post(place.id, "five stars", ben.id, silent=True, embeds=[quote])
        sim.change.create_thread(place.id, WORDS, owner_id=ben.id, from_message=original, silent=True)
        sim.change.create_thread(place.id, f"{WORDS}, too", "so", ada.id, silent=True)
        await daemon.idle()
        await daemon.sync(guild_id)
        assert everything_in(tmp_path).count(WORDS) >= 5
        await follow(daemon, str(ada.id))
        assert WORDS not in everything_in(tmp_path)
        for kind in ("manual", "audit"):
            _, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", json={"kind": kind})
            assert (await daemon.job_ended(job["job_id"]))["status"] == "succeeded"
        sim.change.post(place.id, "", ben.id, **forward)
        await daemon.sync(guild_id)
        assert WORDS not in everything_in(tmp_path)
