"""What is not in order, as the pages say it: what it is, and what can be done."""

from pathlib import Path

import aiohttp
import pytest

from adapters.discord.simulator import Fault, Simulator, uniform_world
from tests.support.daemon import ONLY_MESSAGES, running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


async def test_what_is_not_in_order_is_shown_with_what_can_be_done(tmp_path: Path) -> None:
    world = uniform_world(2, 3)
    (guild,) = world.guilds.values()
    broken = next(channel.id for channel in guild.channels.values() if channel.messages)
    tenant, absent = f"discord-{guild.id}", "discord-77"
    async with (
        Simulator(world) as sim,
        aiohttp.ClientSession() as session,
    ):
        sim.faults.add(
            Fault("status", status=500, route="/channels/{channel_id}/messages", channel_id=broken, times=None)
        )
        async with running_daemon(sim, f"sqlite+aiosqlite:///{tmp_path}/archive.db", ONLY_MESSAGES) as daemon:

            async def page(path: str) -> str:
                async with session.get(daemon.url + path) as answer:
                    return await answer.text()

            text = await daemon.until(lambda: page(f"/tenants/{tenant}"), lambda text: "The last sync: partial" in text)
            job = next(job for job in (await daemon.get("/api/jobs"))["jobs"] if job["error"])
            assert job["error"]["message"] in text
            assert f'<a href="/tenants/{tenant}/channels/{broken}">' in text
            await daemon.ask("POST", "/api/tenants", json={"platform": "discord", "platform_id": "77"})
            await daemon.ask("DELETE", f"/api/tenants/{tenant}")
            text = await page("/")
            for said in ("the bot is not in it", "Invite the bot", "stopped", "not followed"):
                assert said in text, said
            assert "Sync now" not in text, "neither of them can be synced"
            origin = {"Origin": daemon.url}
            for kind, other, status in (("manual", tenant, 409), ("audit", absent, 409), ("full", absent, 422)):
                form = {"kind": kind, "back": "dashboard"}
                async with session.post(f"{daemon.url}/tenants/{other}/sync", data=form, headers=origin) as answer:
                    assert answer.status == status
            kinds = "application/x-www-form-urlencoded"
            for raw, kind, status in ((b"kind=\xff", kinds, 400), (b"kind=manual", f"{kinds}; charset=foo", 404)):
                sent = session.post(
                    f"{daemon.url}/tenants/discord-5/sync", data=raw, headers=origin | {"Content-Type": kind}
                )
                async with sent as answer:
                    assert answer.status == status
            nothing = f"{daemon.url}/jobs/00000000-0000-7000-8000-000000000000/cancel"
            for headers, body, status in ((origin, {}, 404), ({}, {}, 403), (origin, b"{}", 415)):
                async with session.post(nothing, data=body, headers=headers) as answer:
                    assert answer.status == status
