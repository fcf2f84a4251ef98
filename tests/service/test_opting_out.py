"""Opting out through a running daemon: no byte tells what was said from then on, whatever road it takes."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from adapters.discord.simulator.message_payloads import reference
from bot import app, opt_outs
from bot.config import load
from storage.database import open_database
from storage.privacy import opt_out
from tests.support.archive_folder import everything_in
from tests.support.daemon import Clock, Daemon, running_daemon
from tests.support.guilds import guild_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

WORDS, EARLIER = "unmistakable words", "said before"
TEN_MINUTES = timedelta(minutes=10)


async def test_no_byte_tells_what_was_said_from_then_on(tmp_path: Path) -> None:
    url, world = f"sqlite+aiosqlite:///{tmp_path}/archive.db", uniform_world(1, 20, now=app.utc_now() - 2 * TEN_MINUTES)
    guild_id = guild_of(world)
    tenant = f"discord-{guild_id}"
    place, *_ = world.guilds[guild_id].channels.values()
    ada, ben, *_ = [user for user in world.guilds[guild_id].users.values() if not user.bot]
    who = hashlib.sha256(str(ada.id).encode()).hexdigest()

    def say(*, live: bool) -> None:
        """Everything by which her words can come in; by events, or only by a later page."""
        original = int(sim.change.post(place.id, WORDS, ada.id, silent=not live)["id"])
        snapshot = {"type": 0, "content": WORDS, "mentions": [], "attachments": [], "embeds": [], "flags": 0}
        source = reference(place.id, original, guild_id, kind=1)
        forward: dict[str, Any] = {"message_reference": source, "message_snapshots": [{"message": snapshot}]}
        sim.change.post(place.id, "", ben.id, silent=not live, flags=1 << 14, **forward)
        quote = {"description": WORDS, "url": f"https://discord.com/channels/{guild_id}/{place.id}/{original}"}
        sim.change.post(place.id, "five stars", ben.id, silent=not live, embeds=[quote])
        sim.change.post(place.id, "so she says", ben.id, silent=not live, reply_to=original)
        sim.change.create_thread(place.id, f"{WORDS}, too", "so", ada.id, silent=not live)
        sim.change.react(place.id, original, "🔥", ada.id, silent=not live)

    async def read_everything_again(daemon: Daemon) -> None:
        for kind in ("manual", "audit"):
            _, job = await daemon.ask("POST", f"/api/tenants/{tenant}/sync", json={"kind": kind})
            assert (await daemon.job_ended(job["job_id"]))["status"] == "succeeded"
        assert WORDS not in everything_in(tmp_path)
        found = await daemon.get(f"/api/tenants/{tenant}/coverage")
        assert (found["missing"], found["changed"], found["stored"]) == (0, 0, found["of"])

    discord_s = Clock()
    discord_s.ahead = -TEN_MINUTES
    async with Simulator(world, clock=discord_s) as sim, running_daemon(sim, url) as daemon:
        await daemon.idle()
        old, edited = (int(sim.change.post(place.id, EARLIER, ada.id)["id"]) for _ in range(2))
        discord_s.ahead = timedelta()
        sim.change.react(place.id, old, "🔥", ada.id)
        await daemon.sync(guild_id)
        body = {"platform": "discord", "user_id": str(ada.id)}
        status, view = await daemon.ask("POST", "/api/opt-outs", json=body)
        assert status in (200, 202)
        assert view["status"] == "holds"
        say(live=True)
        sim.change.edit(place.id, edited, WORDS)
        sim.change.react(place.id, old, "🎉", ada.id)
        await daemon.sync(guild_id)
        say(live=False)
        await read_everything_again(daemon)
        assert EARLIER in everything_in(tmp_path)
    db = await open_database(url, hash_choice="sha256")  # as at a kill: recorded, and nothing removed yet
    await opt_out(db, who, tenant_id=tenant, now=app.utc_now(), erase=True)
    await db.close()
    async with Simulator(world) as sim, running_daemon(sim, url) as daemon:

        async def listed() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await daemon.get("/api/opt-outs"))["opt_outs"]
            return found

        both = await daemon.until(listed, lambda found: all(each["completed_at"] for each in found))
        assert [(each["status"], each["tenant_id"]) for each in both] == [("holds", None), ("holds", tenant)]
        first = await daemon.get("/api/opt-outs?limit=1")
        second = await daemon.get(f"/api/opt-outs?limit=1&cursor={first['next_cursor']}")
        assert first["opt_outs"] + second["opt_outs"] == both
        last = await daemon.get(f"/api/opt-outs?limit=1&cursor={second['next_cursor']}")
        assert last == {"opt_outs": [], "next_cursor": None}
        for wrong in ("cursor=x", "limit=0"):
            assert (await daemon.ask("GET", f"/api/opt-outs?{wrong}"))[0] == 400
        assert EARLIER not in everything_in(tmp_path)
        assert who not in str(both)
        status, problem = await daemon.ask("POST", "/api/opt-ins", json={**body, "tenant_id": tenant})
        assert (status, problem["code"]) == (409, "opted_out_everywhere")
        status, ended = await daemon.ask("DELETE", f"/api/opt-outs/{view['opt_out_id']}")
        assert (status, ended["status"]) == (200, "ended")
        assert await daemon.get(f"/api/opt-outs/{view['opt_out_id']}") == ended
        config = load(
            None, {"PLATFORM_SYNC_DATABASE__URL": url, "PLATFORM_SYNC_HTTP__PORT": daemon.url.rpartition(":")[2]}
        )
        person = ("discord", str(ada.id), who)
        arguments: dict[str, Any] = {"hash_choice": "sha256", "tenant_id": None, "clock": app.utc_now}
        assert await opt_outs.opt_in(config, *person, **arguments) == 1
        assert set(await opt_outs.opt_out(config, *person, erase=False, **arguments)) == {
            *("messages", "attachments", "reactions", "mentions")
        }
        assert await opt_outs.opt_in(config, *person, **arguments) == 1
        say(live=True)  # within the minute after
        await read_everything_again(daemon)
        assert [each["status"] for each in await listed()] == ["ended"] * 3
        assert len(await opt_outs.list_opt_outs(config, hash_choice="sha256")) == 3
        assert (await daemon.ask("GET", f"/api/opt-outs/{'0' * 32}"))[0] == 404
