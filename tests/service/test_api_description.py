"""The API's own description: valid, complete, true of what the server does, and readable without a network."""

import asyncio
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import Daemon, running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

CALLS = """
    POST /api/tenants, GET /api/tenants, GET /api/tenants/{tenantId}, DELETE /api/tenants/{tenantId},
    POST /api/tenants/{tenantId}/sync, GET /api/tenants/{tenantId}/sync, GET /api/tenants/{tenantId}/channels,
    GET /api/tenants/{tenantId}/messages, GET /api/tenants/{tenantId}/messages/{messageId},
    GET /api/tenants/{tenantId}/changes, GET /api/tenants/{tenantId}/gaps,
    GET /api/tenants/{tenantId}/stats, GET /api/tenants/{tenantId}/coverage, GET /api/tenants/{tenantId}/export,
    GET /api/tenants/{tenantId}/search, GET /api/tenants/{tenantId}/search/suggestions,
    POST /api/forgotten-users, GET /api/forgotten-users,
    GET /api/forgotten-users/{requestId},
    POST /api/opt-outs, GET /api/opt-outs, GET /api/opt-outs/{optOutId},
    DELETE /api/opt-outs/{optOutId}, POST /api/opt-ins,
    GET /api/tenants/{tenantId}/attachments/{attachmentId},
    GET /api/jobs, GET /api/jobs/{jobId}, DELETE /api/jobs/{jobId}, GET /api/queue, GET /api/processes, GET /api/events,
    GET /healthz, GET /readyz, GET /metrics, GET /openapi.json, GET /docs, GET /docs.js
"""
# Cancelling a job does not remove it, and stopping a tenant without purging it does neither.
NOT_CHECKED = "use_after_free"
# What no schema says: events come until the caller goes, an export's time has to begin before it ends, and of the
# feed's cursors some are of another archive.
SETTINGS = """
[[operations]]
include-name = "GET /api/events"
enabled = false

[[operations]]
include-name = "GET /api/tenants/{tenantId}/changes"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "404", "410", "5xx"]

[[operations]]
include-name = "GET /api/tenants/{tenantId}/export"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "404", "429", "5xx"]
"""


@pytest.mark.slow
async def test_the_server_does_what_its_description_says(tmp_path: Path) -> None:
    """schemathesis asks every call what it describes, and what it does not."""
    database, token = f"sqlite+aiosqlite:///{tmp_path}/archive.db", "a-token-of-a-test"
    async with (
        Simulator(uniform_world(2, 120, guilds=2)) as sim,
        running_daemon(sim, database, settings={"PLATFORM_SYNC_API_TOKEN": token}) as daemon,
    ):
        await _described(daemon, has_token=True)
        found, report = await schemathesis(daemon, tmp_path, token)
        assert found == 0, report
        assert (await daemon.ask("GET", "/healthz"))[0] == 200


async def test_the_description_is_valid_without_a_token_too(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with Simulator(uniform_world(1, 1)) as sim, running_daemon(sim, database) as daemon:
        await _described(daemon, has_token=False)


async def _described(daemon: Daemon, *, has_token: bool) -> None:
    """Every call that there is is in a valid document, and whether it needs a token."""
    document = await daemon.get("/openapi.json")
    OpenAPIV31SpecValidator(document).validate()
    described = {f"{m.upper()} {path}" for path, item in document["paths"].items() for m in item}
    assert described == {call.strip() for call in CALLS.split(",")}
    assert ("securitySchemes" in document["components"]) is has_token


async def schemathesis(daemon: Daemon, folder: Path, token: str) -> tuple[int | None, str]:
    """Its exit status and what it printed; the same requests at every run."""
    (folder / "schemathesis.toml").write_text(SETTINGS)
    command = [str(Path(sys.executable).with_name("st")), "run", f"{daemon.url}/openapi.json", "--no-color"]
    command += ["--generation-deterministic", "--max-examples=5", f"--exclude-checks={NOT_CHECKED}"]
    command += ["--request-timeout=20"]
    command += ["--header", f"Authorization: Bearer {token}"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")


class Page(HTMLParser):
    """What a browser would find and fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: set[str] = set()
        self.sources: list[tuple[str, str | None]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and what it points to."""
        self.tags.add(tag)
        if tag not in ("meta", "input"):
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith(("on", "style")), (tag, name)
            if name == "src":
                self.sources.append((tag, value))
            if name == "id":
                self.ids.append(str(value))
            if name == "href":
                self.links.add(str(value))

    def handle_endtag(self, tag: str) -> None:
        """Every tag is closed in its turn."""
        assert self.open.pop() == tag


async def test_the_description_for_people_needs_no_network(tmp_path: Path) -> None:
    database = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with (
        Simulator(uniform_world(1, 1)) as sim,
        running_daemon(sim, database, PLATFORM_SYNC_PAGES__ENABLED="false") as daemon,
        aiohttp.ClientSession(daemon.url) as session,
        session.get("/") as answer,
    ):
        assert (answer.url.path, answer.content_type) == ("/docs", "text/html")
        policy, text = answer.headers["Content-Security-Policy"], await answer.text()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src 'self'; connect-src 'self';" in policy
    page = Page()
    page.feed(text)
    assert not page.open
    assert page.sources == [("script", "/docs.js")], "its own script, and nothing else"
    assert not page.tags & {"link", "img", "iframe"}
    assert text.count('<form class="try" hidden') == len(CALLS.split(",")) - 1, "all but the stream that never ends"
    assert "discord-1098765432109876543" in text, "with examples"
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    for call in CALLS.split(","):
        assert call.strip() in text
    assert "&lt;guild id&gt;" in text
    assert not re.search(r"https?://", text)
