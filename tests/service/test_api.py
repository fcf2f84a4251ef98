"""The API's manners: problems that name what is wrong, a guard against other sites, a token where one is set."""

import codecs
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import Daemon, running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

NO_JOB = "/api/jobs/00000000-0000-7000-8000-000000000000"


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    async with (
        Simulator(uniform_world(2, 120, guilds=2)) as sim,
        running_daemon(
            sim,
            f"sqlite+aiosqlite:///{tmp_path}/archive.db",
            PLATFORM_SYNC_HTTP__ALLOWED_HOSTS="ARCHIVE.example.:443",
        ) as running,
    ):
        await running.idle(2)
        yield running


WRONG = [
    ("POST", "/api/tenants", b"", 400, "invalid_json", "not JSON"),
    ("POST", "/api/tenants", b"{", 400, "invalid_json", "not JSON"),
    ("POST", "/api/tenants", b"\xff\xfe", 400, "invalid_json", "not JSON"),
    ("POST", "/api/tenants", b"[" * 60_000, 400, "invalid_json", "recursion"),
    ("POST", "/api/tenants", b"[]", 422, "invalid_body", "body"),
    ("POST", "/api/tenants", b'{"platform": "discord"}', 422, "invalid_body", "platform_id"),
    ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": 1}', 422, "invalid_body", "platform_id"),
    ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": "x y"}', 422, "invalid_body", "platform_id"),
    ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": "077"}', 422, "invalid_body", "platform_id"),
    ("POST", "/api/tenants", '{"platform": "discord", "platform_id": "７"}'.encode(), 422, "invalid_body", "_id"),
    ("POST", "/api/tenants", b'{"platform": "discord", "platform_id": "77\\n"}', 422, "invalid_body", "platform_id"),
    ("POST", "/api/forgotten-users", b'{"platform": "discord", "user_id": "07"}', 422, "invalid_body", "user_id"),
    ("GET", "/api/tenants/discord-077", b"", 404, "no_such_tenant", "no tenant discord-077"),
    ("POST", "/api/tenants", b'{"platform": "icq", "platform_id": "1"}', 422, "invalid_body", "'discord'"),
    (
        "POST",
        "/api/tenants",
        b'{"platform": "discord", "platform_id": "1", "colour": 1}',
        422,
        "invalid_body",
        "colour",
    ),
    ("POST", "/api/tenants", b" " * 70_000, 413, "body_too_large", ""),
    ("GET", "/api/tenants?limit=0", b"", 400, "invalid_query", "limit"),
    ("GET", "/api/tenants?limit=201", b"", 400, "invalid_query", "limit"),
    ("GET", "/api/tenants?limit=many", b"", 400, "invalid_query", "limit"),
    ("GET", f"/api/tenants?limit={'9' * 5000}", b"", 400, "invalid_query", "limit"),
    ("GET", "/api/tenants?limit=1&limit=2", b"", 400, "invalid_query", "limit: give it once"),
    ("GET", "/api/tenants?cursor=%00", b"", 400, "invalid_query", "cursor"),
    ("GET", "/api/tenants?page=2", b"", 400, "invalid_query", "page"),
    ("GET", "/api/jobs?status=done", b"", 400, "invalid_query", "status"),
    ("GET", "/api/tenants/discord-1?tenantId=discord-2", b"", 400, "invalid_query", "tenantId"),
    ("DELETE", "/api/tenants/discord-1?purge=1", b"", 400, "invalid_query", "purge"),
    ("DELETE", "/api/tenants/discord-1?purge=true", b"", 404, "no_such_tenant", "discord-1"),
    ("GET", "/api/queue?cursor=-1", b"", 400, "invalid_query", "cursor"),
    ("GET", "/healthz?deep=1", b"", 400, "invalid_query", "deep"),
    ("GET", "/api/tenants/discord-1", b"", 404, "no_such_tenant", "no tenant discord-1"),
    ("GET", "/api/tenants/discord-1/channels", b"", 404, "no_such_tenant", "no tenant discord-1"),
    ("GET", "/api/tenants/%00", b"", 404, "not_found", "tenantId"),
    ("POST", "/api/tenants/discord-1/sync", b"", 404, "no_such_tenant", "no tenant"),
    ("POST", "/api/tenants/discord-1/sync", b'{"kind": "full"}', 422, "invalid_body", "'manual'"),
    ("GET", "/api/jobs/none", b"", 404, "not_found", "jobId"),
    ("GET", NO_JOB, b"", 404, "no_such_job", "no job"),
    ("DELETE", NO_JOB, b"", 404, "no_such_job", "no job"),
    ("GET", "/nowhere", b"", 404, "not_found", "/nowhere"),
    ("PUT", "/api/tenants", b"", 405, "method_not_allowed", "PUT"),
]


async def test_a_wrong_request_is_told_what_is_wrong(daemon: Daemon) -> None:
    async with aiohttp.ClientSession() as session:
        for method, path, body, status, code, said in WRONG:
            async with session.request(method, daemon.url + path, data=body or None) as answer:
                assert answer.content_type == "application/problem+json", (method, path, body, answer.status)
                problem = await answer.json(content_type="application/problem+json")
            what = f"{method} {path[:60]} {body[:60]!r}: {problem}"
            assert (answer.status, problem["status"], problem["code"]) == (status, status, code), what
            assert said in problem["detail"], what


async def test_every_wrong_field_is_named_at_once(daemon: Daemon) -> None:
    _, problem = await daemon.ask("POST", "/api/tenants", json={"platform_id": "", "name": "x" * 201, "new": 1})
    assert {error["field"] for error in problem["errors"]} == {"platform", "platform_id", "name", "new"}


TYPES = {
    None: 201,
    "application/json": 200,
    "Application/JSON; charset=utf-8": 200,
    "application/x-www-form-urlencoded": 200,  # what curl -d says
    "text/plain": 415,
    "multipart/form-data; boundary=x": 415,
}


async def test_a_body_is_json(daemon: Daemon) -> None:
    body = json.dumps({"platform": "discord", "platform_id": "77"}).encode()
    for content_type, status in TYPES.items():
        headers = {"Content-Type": content_type} if content_type else {}
        body = body if content_type else codecs.BOM_UTF8 + body
        assert (await daemon.ask("POST", "/api/tenants", data=body, headers=headers))[0] == status, content_type


async def test_an_answer_and_an_error_end_their_line(daemon: Daemon) -> None:
    """So that a shell's prompt does not stand behind them."""
    async with aiohttp.ClientSession(daemon.url) as session:
        for path in ("/healthz", "/api/nothing"):
            async with session.get(path) as answer:
                assert (await answer.text()).endswith("}\n")


async def test_methods(daemon: Daemon) -> None:
    async with aiohttp.ClientSession(daemon.url) as session:
        async with session.head("/api/tenants") as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        for method in ("OPTIONS", "PATCH"):
            async with session.request(method, "/api/tenants", headers={"Origin": daemon.url}) as answer:
                assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD,POST")
                assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_pages_of_other_sites_are_refused(daemon: Daemon) -> None:
    for headers, status in (
        ({"Host": "evil.example"}, 421),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "LocalHost."}, 200),
        ({"Host": "127.0.0.2:80"}, 200),
        ({"Host": "[0::1]"}, 200),
        ({"Host": "0.0.0.0"}, 421),  # noqa: S104 # browsers take it for this machine
        ({"Host": "Archive.Example:80"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ):
        assert (await daemon.ask("GET", "/api/tenants", headers=headers))[0] == status, headers


async def test_with_a_token_all_but_the_description_and_the_health_ask_for_it(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    token = {"PLATFORM_SYNC_API_TOKEN": "a-secret-of-a-test"}
    async with Simulator(uniform_world(1, 1)) as sim, running_daemon(sim, url, settings=token) as daemon:
        await daemon.until(lambda: daemon.ask("GET", "/readyz"), lambda answer: answer[0] == 200)
        document = await daemon.get("/openapi.json")
        asks = {path for path, calls in document["paths"].items() for call in calls.values() if "security" in call}
        assert asks == {path for path in document["paths"] if path.startswith("/api/")} | {"/metrics"}
        for path in document["paths"]:
            for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic a-secret-of-a-test"}):
                assert await status_of(daemon, path, headers) == (401 if path in asks else 200), path
            assert await status_of(daemon, path, {"Authorization": "Bearer a-secret-of-a-test"}) in (200, 404, 405)
        assert await status_of(daemon, "/nowhere", {}) == 401


async def status_of(daemon: Daemon, path: str, headers: dict[str, str]) -> int:
    async with aiohttp.ClientSession(daemon.url) as session, session.get(path, headers=headers) as answer:
        if answer.status == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        return answer.status


async def test_asking_for_a_sync_twice_is_safe(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    slow = {"requests_per_second": 20.0}
    no_reactions = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}
    world = uniform_world(1, 3_000)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim, running_daemon(sim, url, pace=slow, settings=no_reactions) as daemon:
        await daemon.until(lambda: daemon.ask("GET", f"/api/tenants/discord-{guild_id}"), lambda a: a[0] == 200)
        bodies: list[dict[str, Any]] = [{}, {"json": {}}, {"json": {"kind": "manual"}}]
        for options in bodies:
            status, job = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync", **options)
            assert (status, job["created"], job["kind"]) == (200, False, "initial")
        ended = await daemon.job_ended(job["job_id"])
        assert ended["progress"]["fraction"] == 1.0
        requests = 4 + 32  # the listings, the 30 pages, which are full, that none follows, and the last once more
        assert ended["metrics"] | {"messages": 3_000, "requests": requests, "retries": 0} == ended["metrics"]


async def test_a_guild_the_bot_is_not_in_gets_the_invite_link(daemon: Daemon) -> None:
    request = {"platform": "discord", "platform_id": "77"}
    for created in (True, False):
        status, tenant = await daemon.ask("POST", "/api/tenants", json=request)
        assert (status, tenant["created"]) == (201 if created else 200, created)
        assert (tenant["sync_status"], tenant["job"]) == ("disconnected", None)
    shown = await daemon.get("/api/tenants/discord-77")
    assert shown["invite_url"].startswith("https://discord.com/oauth2/authorize?client_id=")
    assert "adds the bot" in shown["hint"]
    status, problem = await daemon.ask("POST", "/api/tenants/discord-77/sync")
    assert (status, problem["code"], problem["invite_url"]) == (409, "disconnected", shown["invite_url"])
