"""``check`` tells what is right, what is wrong and what can be done about it, and changes nothing."""

import os
from pathlib import Path

import pytest

from adapters.base import PlatformAdapter
from adapters.discord import reach
from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.discord.simulator import Fault, Simulator, rich_world, uniform_world
from adapters.discord.simulator.truth import truth
from adapters.privacy import UserHasher
from adapters.records import TenantRecord
from bot.app import utc_now
from bot.check import Check, Finding, Mark
from bot.config import load
from storage import tenants
from storage.database import open_database
from tests.support.adapter import make_adapter
from tests.support.daemon import running_daemon
from tests.support.tables_of import run_sql

pytestmark = pytest.mark.usefixtures("restored_addresses")


@pytest.fixture(autouse=True)
def migrated_archive() -> None:
    """None: a check says whether there is one."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the archive is, or would be."""
    return f"sqlite+aiosqlite:///{tmp_path / 'archive.db'}"


async def found(
    adapter: PlatformAdapter | None,
    url: str,
    *,
    tenant_id: str | None = None,
    connect_seconds: float = 20.0,
    hasher: UserHasher | None = None,
    **settings: str,
) -> list[Finding]:
    """The whole report."""
    config = load(None, {"PLATFORM_SYNC_DATABASE__URL": url, **settings})
    adapters = {"discord": adapter} if adapter else {}
    check = Check(config, hasher or UserHasher(), adapters, tenant_id=tenant_id, connect_seconds=connect_seconds)
    return [finding async for finding in check.findings()]


def texts(findings: list[Finding], about: str, mark: Mark) -> list[str]:
    """What is said of something, with a mark."""
    return [f.text for f in findings if f.about.startswith(about) and f.mark is mark]


@pytest.mark.slow
async def test_every_channel_is_accounted_for_with_its_reason(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no demo is
    world = rich_world()
    async with Simulator(world) as sim:
        findings = await found(make_adapter(sim), url)
    assert texts(findings, "database", Mark.NOTE) == ["sqlite: the daemon creates the archive when it starts."]
    for guild_id, guild in world.guilds.items():
        about = f"discord-{guild_id}"
        rows = [row for row in truth(world, guild_id).channels() if not row["metadata"].get("archived")]
        text = " ".join(texts(findings, about, Mark.OK) + texts(findings, about, Mark.NOTE))
        warnings = " ".join(texts(findings, about, Mark.WARNING))
        assert not texts(findings, about, Mark.PROBLEM)
        archived = [row for row in rows if row["sync_state"] == "archived"]
        assert f"archived: {len(archived)} (" in text
        for reason in ("not_public", "bot_lacks_access", "unsupported", "obfuscated"):
            skipped = [row for row in rows if row["skip_reason"] == reason]
            of_fault = warnings if reason == "bot_lacks_access" else text
            assert (f"skipped as {reason}: {len(skipped)} (" in of_fault) == bool(skipped)
            for row in skipped[:3]:
                assert (row["name"] or row["platform_id"]) in of_fault, (reason, guild.name)


@pytest.mark.slow
async def test_all_is_well_and_one_tenant_can_be_asked_for(url: str) -> None:
    world = uniform_world(2, 3, guilds=2)
    one, other = world.guilds
    async with Simulator(world) as sim:
        findings = await found(make_adapter(sim), url, tenant_id=f"discord-{one}")
        assert {finding.mark for finding in findings} == {Mark.OK, Mark.NOTE}
        assert texts(findings, f"discord-{one}", Mark.OK) == ["archived: 2 (2 text)"]
        assert not texts(findings, f"discord-{other}", Mark.OK)
        (problem,) = texts(await found(make_adapter(sim), url, tenant_id="discord-7"), "discord-7", Mark.PROBLEM)
    assert "no such tenant" in problem


async def test_a_wrong_token_and_none(url: str) -> None:
    async with Simulator(uniform_world(1, 1)) as sim:
        adapter = make_adapter(sim)
        adapter._token = "wrong"
        (problem,) = texts(await found(adapter, url), "discord", Mark.PROBLEM)
    assert problem.startswith("Discord refuses the bot's token: set DISCORD_BOT_TOKEN")
    (problem,) = texts(await found(None, url), "discord", Mark.PROBLEM)
    assert problem.startswith("DISCORD_BOT_TOKEN is not set")


@pytest.mark.parametrize(
    ("members", "mark", "meaning"),
    [
        ((10, 20), Mark.OK, "below 10,000 Discord asks for no review"),
        ((4_000, 4_000), Mark.WARNING, "at 10,000 Discord reviews"),
        ((9_000, 1_000), Mark.WARNING, "apply in the Developer Portal"),
    ],
)
@pytest.mark.slow
async def test_how_many_users_the_bot_reaches(
    url: str, monkeypatch: pytest.MonkeyPatch, members: tuple[int, ...], mark: Mark, meaning: str
) -> None:
    monkeypatch.setattr(reach, "_PAGE", 1)
    world = uniform_world(1, 1, guilds=2)
    for guild, number in zip(world.guilds.values(), members, strict=True):
        guild.approximate_members = number
    async with Simulator(world) as sim:
        findings = await found(make_adapter(sim), url)
        (said,) = [text for text in texts(findings, "discord", mark) if "users the bot reaches" in text]
        assert said.startswith(f"users the bot reaches: about {sum(members):,}, in 2 communities (who is in several")
        assert meaning in said


async def test_a_missing_intent(url: str) -> None:
    world = uniform_world(1, 1)
    world.application_flags = 0
    async with Simulator(world) as sim:
        (problem,) = texts(await found(make_adapter(sim), url), "discord", Mark.PROBLEM)
    assert "Message Content Intent" in problem


@pytest.mark.slow
async def test_discord_cannot_be_reached(url: str) -> None:
    nowhere = DiscordOptions.model_validate({"rest_url": "http://127.0.0.1:9/api", "gateway_url": "ws://127.0.0.1:9/"})
    adapter = DiscordAdapter(token="x", options=nowhere, hasher=UserHasher())
    (problem,) = texts(await found(adapter, url, connect_seconds=0.3), "discord", Mark.PROBLEM)
    assert problem.startswith("not reached within 0.3 s")


async def test_an_outage_of_a_guild(url: str) -> None:
    world = uniform_world(1, 1)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim:
        sim.faults.add(Fault("status", "/guilds/{guild_id}/channels", times=None))
        findings = await found(make_adapter(sim), url)
    (problem,) = texts(findings, f"discord-{guild_id}", Mark.PROBLEM)
    assert "status 500" in problem
    assert "the next sync tries again" in problem


async def test_an_archive_that_this_program_cannot_use(url: str) -> None:
    db = await open_database(url, hash_choice="hmac-sha256:another")
    await run_sql(db, "UPDATE alembic_version SET version_num = 'future'")
    await db.close()
    problems = texts(await found(None, url), "database", Mark.PROBLEM)
    assert len(problems) == 2
    assert "newer version of this program" in problems[0]
    assert "PLATFORM_SYNC_HASH_KEY" in problems[1]
    (problem,) = texts(await found(None, url.replace("archive.db", "")), "database", Mark.PROBLEM)
    assert problem


@pytest.mark.slow
async def test_a_guild_that_the_bot_has_left_and_one_that_is_no_tenant(url: str, tmp_path: Path) -> None:
    world = uniform_world(1, 1)
    (present,) = world.guilds
    db = await open_database(url, hash_choice=UserHasher().choice)
    for guild_id in ("4", "5"):
        gone = TenantRecord(platform_id=guild_id, name=f"Guild {guild_id}")
        await tenants.save_tenant(db, "discord", gone, connected=True, now=utc_now())
    await tenants.stop_tenant(db, "discord-5", now=utc_now())
    await db.close()
    before = (tmp_path / "archive.db").read_bytes()
    async with Simulator(world) as sim:
        findings = await found(make_adapter(sim), url, PLATFORM_SYNC_DISCORD__AUTO_CREATE_TENANTS="false")
    (problem,) = [finding for finding in findings if finding.mark is Mark.PROBLEM]
    assert problem.about == "discord-4 (Guild 4)"
    assert "oauth2/authorize" in problem.text
    (note,) = texts(findings, f"discord-{present}", Mark.NOTE)
    assert "auto_create_tenants is off" in note
    assert f'"platform_id": "{present}"' in note
    assert (tmp_path / "archive.db").read_bytes() == before
    assert set(os.listdir(tmp_path)) <= {"archive.db", "archive.db.lock"}


@pytest.mark.slow
async def test_beside_a_running_daemon(url: str) -> None:
    world = uniform_world(2, 150)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle()
        findings = await found(make_adapter(sim), url)
        assert {finding.mark for finding in findings} == {Mark.OK}
        (text,) = texts(findings, "database", Mark.OK)
        assert text.endswith("tenants: 1; a daemon is working on it")
        job = await daemon.sync(guild_id)
        assert job["status"] == "succeeded"
