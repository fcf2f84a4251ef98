"""One bot, by one token of the environment, serves every guild; a tenant needs nothing of its own but the bot."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.errors import CredentialRefused
from adapters.events import PlatformEvent, TenantsReady
from bot.config import ConfigError, load
from tests.support.adapter import make_adapter
from tests.support.daemon import first_syncs, running_daemon
from tests.support.small_world import small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

ONLY_MESSAGES = {"PLATFORM_SYNC_SYNC__REACTION_USERS": "false"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/archive.db"


def test_the_token_is_the_environments(tmp_path: Path) -> None:
    token = load(None, {"DISCORD_BOT_TOKEN": " secret "}).platforms["discord"].token
    assert token is not None, "the variable is not read"
    assert token.get_secret_value() == "secret"
    assert load(None, {}).platforms["discord"].token is None, "a token that nobody set"
    file = tmp_path / "config.toml"
    for line in ('token = "secret"', 'bot_token = "secret"'):
        file.write_text(f"[discord]\n{line}\n")
        with pytest.raises(ConfigError, match="token"):
            load(file, {})


@pytest.mark.slow
async def test_one_login_serves_every_guild(url: str) -> None:
    world = uniform_world(1, 20, guilds=3)
    async with Simulator(world) as sim, running_daemon(sim, url, ONLY_MESSAGES) as daemon:
        assert await first_syncs(daemon, 3) == {f"discord-{guild_id}": "succeeded" for guild_id in world.guilds}
        assert (sim.gateway.identifies, sim.gateway.connected) == (1, 1), "more than one bot logged in"


async def outcome(adapter: Any) -> str:
    """Whether an adapter gets connected, is refused for good, or neither."""
    ready = asyncio.Event()

    async def listen(event: PlatformEvent) -> None:
        if isinstance(event, TenantsReady):
            ready.set()

    running, connected = asyncio.create_task(adapter.run(listen)), asyncio.create_task(ready.wait())
    await asyncio.wait({running, connected}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    refused = running.done() and isinstance(running.exception(), CredentialRefused)
    found = "connected" if ready.is_set() else "refused" if refused else "neither"
    for task in (running, connected):
        task.cancel()
    await asyncio.gather(running, connected, return_exceptions=True)
    return found


async def test_it_logs_in_with_the_configured_token_and_with_no_other() -> None:
    world = small_world()
    async with Simulator(world) as sim:
        adapter = make_adapter(sim)
        assert await outcome(adapter) == "connected", "the configured token was not used"
        world.token = "another"
        assert await outcome(adapter) == "refused", "a token that Discord refuses is tried again and again"


@pytest.mark.slow
async def test_a_tenant_needs_no_configuration_of_its_own(url: str) -> None:
    world = uniform_world(1, 20, guilds=3)
    by_itself, *_, by_request = world.guilds
    async with Simulator(world) as sim:
        guild = sim.change.leave_guild(by_itself, silent=True)
        async with running_daemon(sim, url, ONLY_MESSAGES) as daemon:
            await first_syncs(daemon, 2)
            sim.change.join_guild(guild)
            ends = await first_syncs(daemon, 3)
            assert ends.get(f"discord-{by_itself}") == "succeeded", "joining a guild is not enough to archive it"
            request = {"platform": "discord", "platform_id": str(by_request)}
            status, tenant = await daemon.ask("POST", "/api/tenants", json=request)
            assert (status, tenant.get("created"), tenant.get("sync_status")) == (200, False, "ok")


@pytest.mark.slow
async def test_a_tenant_whose_guild_the_bot_is_not_in_says_how_to_add_it(url: str) -> None:
    world = uniform_world(1, 20)
    (guild_id,) = world.guilds
    async with Simulator(world) as sim, running_daemon(sim, url, ONLY_MESSAGES) as daemon:
        await first_syncs(daemon, 1)
        assert (await daemon.get(f"/api/tenants/discord-{guild_id}"))["invite_url"] is None, "it is there already"
        status, tenant = await daemon.ask("POST", "/api/tenants", json={"platform": "discord", "platform_id": "77"})
        assert (status, tenant["sync_status"], tenant["job"]) == (201, "disconnected", None)
        assert f"client_id={world.application_id}" in (tenant["invite_url"] or "nothing")
        assert "permissions=1115136" in tenant["invite_url"], "View Channel, Read Message History, Connect"
        sim.change.leave_guild(guild_id)
        for _ in range(50):
            left = await daemon.get(f"/api/tenants/discord-{guild_id}")
            if left["sync_status"] == "disconnected":
                break
            await asyncio.sleep(0.1)
        assert (left["sync_status"], left["next_sync_at"]) == ("disconnected", None)
        assert left["invite_url"] == tenant["invite_url"]
        status, problem = await daemon.ask("POST", f"/api/tenants/discord-{guild_id}/sync")
        assert (status, problem.get("code"), problem.get("invite_url")) == (409, "disconnected", left["invite_url"])
