"""The server for assistants tells nothing of who people are, of one tenant alone where it is to, and what it lacks."""

import sys
from pathlib import Path

import pytest

import bot.cli_mcp  # noqa: F401 # adds the verb
from adapters.discord.simulator.truth import secrets
from bot.mcp.archive import Archive, Refused
from bot.mcp.toolbox import Toolbox
from bot.skip_words import SkipWords
from storage.database import open_database, open_for_reading
from storage.tenants import save_tenant
from tests.support.assistant import Assistant, assistant
from tests.support.builders import GUILD, NOW, SHA
from tests.support.rich_archive import rich_archive
from tests.support.secrets import any_of
from tests.support.verbs import restored_mask, typed

pytestmark = pytest.mark.usefixtures("restored_addresses")


@pytest.mark.slow
@pytest.mark.process
async def test_no_answer_names_a_user(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    async with rich_archive(url, is_small=True) as (world, _):
        ids, names = secrets(world)
        first, *others = (f"discord-{guild_id}" for guild_id in world.guilds)
        async with assistant(url, tmp_path / "log") as ann:
            for tenant in (first, *others):
                await asks_everything(ann, tenant)
        await tells_of_one_tenant_alone(url, first)
    said = "\n".join(ann.said)
    assert min(len(ids), len(names)) > 10
    assert len(said) > 100_000
    found = any_of({world.token, *ids, *names}).search(said.encode())
    assert not found, f"an answer holds {found}"


async def asks_everything(ann: Assistant, tenant: str) -> None:
    """Call every tool; what a search shows is every message, and the others show what hangs on some of them."""
    places = [one for page in await ann.pages("channels", tenant=tenant) for one in page["channels"]]
    threads = [one["id"] for one in places if one.get("threads")][:2]
    for channel in threads:
        (page, *_) = await ann.pages("channels", tenant=tenant, channel=channel)
        await ann.pages("thread", tenant=tenant, thread=page["channels"][0]["id"])
    found = [
        one
        for page in await ann.pages("search", tenant=tenant, query="deleted:any", limit=50)
        for one in page["messages"]
    ]
    for one in {one["channel"]: one for one in found}.values():
        read = await ann.ask("read_around", tenant=tenant, message=one["id"], before=100, after=100)
        assert (read["channel"]["state"] == "archived") is ("proven_until" in read)
    await ann.pages("conversation", tenant=tenant, message=found[0]["id"])
    for by in ("channel", "author", "reaction"):
        await ann.pages("stats", tenant=tenant, group_by=by, since="2015-01-01")
    await ann.pages("coverage", tenant=tenant)


async def tells_of_one_tenant_alone(url: str, tenant: str) -> None:
    """Where the operator says so."""
    db = await open_for_reading(url, hash_choice=SHA, only_asking=True)
    tools = Toolbox(Archive(db=db, clock=lambda: NOW, site="", message_urls={}, skip_words=SkipWords(), only=tenant))
    whole = await tools.call("coverage", {})
    assert (whole.tenant, whole.as_of) == (tenant, NOW)
    assert whole.proven_until is not None
    with pytest.raises(Refused, match=f"about {tenant} alone"):
        await tools.call("coverage", {"tenant": "discord-1"})
    await db.close()


@pytest.mark.usefixtures("restored_logging")
async def test_without_the_protocols_library_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", f"sqlite:///{tmp_path}/none.db")
    for name in [name for name in sys.modules if name == "mcp" or name.startswith(("mcp.", "bot.mcp.server"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    with restored_mask():
        ended = await typed("mcp")
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "requirements/mcp.lock" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("restored_logging")
async def test_a_tenant_that_is_not_archived_is_refused_at_once(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", database_url)
    db = await open_database(database_url, hash_choice=SHA)
    for said in ("it holds none", "it holds discord-100"):
        with restored_mask():
            ended = await typed("mcp --tenant discord-7")
        assert (ended.exit_code, ended.stdout) == (1, ""), ended.output
        assert "There is no tenant discord-7 in the archive at" in ended.stderr
        assert said in ended.stderr
        await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
    await db.close()
