"""The API: problem documents that name what is wrong, a guard against other sites, never a 500."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.worlds import uniform_world
from tests.service.daemon import Daemon, running_daemon

pytestmark = pytest.mark.usefixtures("restored_addresses")


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    async with (
        Simulator(uniform_world(2, 120, guilds=2)) as sim,
        running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db") as running,
    ):
        await running.idle(2)
        yield running


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/api/tenants", b"{", 400, "not JSON"),
        ("POST", "/api/tenants", b"\xff\xfe", 400, "not JSON"),
        ("POST", "/api/tenants", b"[]", 422, "body"),
        ("POST", "/api/tenants", b'{"platform": "discord"}', 422, "platform_id"),
        ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": 1}', 422, "platform_id"),
        ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": "x"}', 422, "platform_id"),
        ("POST", "/api/tenants", b'{"platform": "icq", "platform_id": "1"}', 422, "there is discord"),
        ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": "1", "colour": 1}', 422, "colour"),
        ("POST", "/api/tenants", b" " * 70_000, 413, ""),
        ("GET", "/api/tenants?limit=0", b"", 400, "limit"),
        ("GET", "/api/tenants?limit=many", b"", 400, "limit"),
        ("GET", "/api/tenants/discord-1", b"", 404, "discord-<guild id>"),
        ("GET", "/api/tenants/%00", b"", 404, ""),
        ("POST", "/api/tenants/discord-1/sync", b"", 404, "no tenant"),
        ("GET", "/api/jobs/none", b"", 404, "no job"),
        ("GET", "/nowhere", b"", 404, "/nowhere"),
        ("PUT", "/api/tenants", b"", 405, "PUT"),
    ],
)
async def test_a_wrong_request_is_told_what_is_wrong(
    daemon: Daemon, method: str, path: str, body: bytes, status: int, said: str
) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, daemon.url + path, data=body or None) as answer,
    ):
        problem = await answer.json(content_type="application/problem+json")
    assert (answer.status, problem["status"]) == (status, status)
    assert said in problem["detail"]
    assert problem["code"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost:1"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_pages_of_other_sites_are_refused(daemon: Daemon, headers: dict[str, str], status: int) -> None:
    assert (await daemon.ask("GET", "/api/tenants", headers=headers))[0] == status


async def test_with_a_token_the_api_asks_for_it(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with (
        Simulator(uniform_world(1, 1)) as sim,
        running_daemon(sim, url, PLATFORM_SYNC_API_TOKEN="secret") as running,
    ):
        for header, status in (
            ({}, 401),
            ({"Authorization": "Bearer no"}, 401),
            ({"Authorization": "Bearer secret"}, 200),
        ):
            assert (await running.ask("GET", "/api/tenants", headers=header))[0] == status
        assert (await running.ask("GET", "/healthz"))[0] == 200


async def test_tenants_are_paged(daemon: Daemon) -> None:
    first = await daemon.get("/api/tenants?limit=1")
    second = await daemon.get(f"/api/tenants?limit=1&cursor={first['next_cursor']}")
    ids = [tenant["id"] for page in (first, second) for tenant in page["tenants"]]
    assert len(set(ids)) == 2
    assert first["tenants"][0]["totals"] == {
        "channels": 2,
        "channels_archived": 2,
        "channels_skipped": 0,
        "messages": 240,
    }


async def test_asking_twice_is_safe(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    slow = {"requests_per_second": 20.0}
    world = uniform_world(1, 3_000)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim, running_daemon(sim, url, pace=slow) as running:
        await running.until(lambda: running.ask("GET", f"/api/tenants/discord-{guild_id}"), lambda a: a[0] == 200)
        status, job = await running.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        assert (status, job["created"], job["kind"]) == (200, False, "initial")
        ended = await running.job_ended(job["job_id"])
        assert ended["progress"]["fraction"] == 1.0
        assert ended["metrics"] | {"messages": 3_000, "requests": 34, "retries": 0} == ended["metrics"]


async def test_a_guild_the_bot_is_not_in_gets_the_invite_link(daemon: Daemon) -> None:
    request = {"platform": "discord", "platform_id": "77"}
    status, tenant = await daemon.ask("POST", "/api/tenants", json=request)
    assert (status, tenant["sync_status"], tenant["job"]) == (201, "disconnected", None)
    assert tenant["invite_url"].startswith("https://discord.com/oauth2/authorize?client_id=")
