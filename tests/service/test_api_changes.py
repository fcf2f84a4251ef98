"""The feed of changes by the API: a mirror kept by it alone is the archive, while a guild lives."""

from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from tests.support.daemon import Daemon, running_daemon
from tests.support.small_world import GUILD, TEXT, WRITER, small_world
from tests.support.unrest import Unrest

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

TENANT = f"/api/tenants/discord-{GUILD}"
WRONG = [
    ("discord-7/changes", 404, "no_such_tenant", "discord-7"),
    (f"discord-{GUILD}/changes?after=yesterday", 400, "invalid_query", "must be 0, or the next of an answer before"),
    (f"discord-{GUILD}/changes?after=-1", 400, "invalid_query", "must be 0, or the next"),
    (f"discord-{GUILD}/changes?limit=501", 400, "invalid_query", "limit"),
    (f"discord-{GUILD}/changes?after=999999999999999999", 410, "start_anew", "read again from after=0"),
]


class Follower:
    """What a program would keep that follows a tenant."""

    def __init__(self) -> None:
        self.after = "0"
        self.mirror: dict[tuple[str, str], Any] = {}
        self.kinds: set[str] = set()

    async def follow(self, daemon: Daemon) -> None:
        """Read all that there is at present."""
        has_more = True
        while has_more:
            page = await daemon.get(f"{TENANT}/changes?limit=7&after={self.after}")
            for told in page["changes"]:
                self.kinds.add(told["kind"])
                self.mirror[key(told["message"])] = bare(told["message"])
            self.after, has_more = page["next"], page["has_more"]
            assert has_more or page["next"] == page["bound"]


def key(message: Any) -> tuple[str, str]:
    return message["channel_id"], message["message_id"]


def bare(message: Any) -> Any:
    """A message without the signatures of its links, which are renewed without being told."""
    files = [file | {"url": file["url"].partition("?")[0], "url_expires_at": None} for file in message["attachments"]]
    return message | {"attachments": files}


async def archived(daemon: Daemon) -> dict[tuple[str, str], Any]:
    """All messages, channel by channel."""
    found = {}
    for channel in (await daemon.get(f"{TENANT}/channels?limit=200"))["channels"]:
        place: str | None = ""
        while place is not None:
            page = await daemon.get(f"{TENANT}/messages?channel={channel['platform_id']}&limit=200{place}")
            found |= {key(message): bare(message) for message in page["messages"]}
            place = page["before"] and f"&before={page['before']}"
    return found


async def test_a_mirror_is_the_archive(database_url: str) -> None:
    follower = Follower()
    async with Simulator(small_world(3)) as sim:
        unrest = Unrest(sim, sim.world.guilds[GUILD], seed=5)
        async with running_daemon(sim, database_url) as daemon:
            await daemon.until(lambda: daemon.ask("GET", TENANT), lambda found: found[0] == 200)
            for _ in range(10):
                await unrest.happen(10, silent=False)
                await follower.follow(daemon)
        async with running_daemon(sim, database_url) as daemon:
            await daemon.idle(2)
            posted = sim.change.post(TEXT, "to be reacted to")
            await daemon.until(lambda: archived(daemon), lambda found: (str(TEXT), posted["id"]) in found)
            await follower.follow(daemon)
            sim.change.react(TEXT, int(posted["id"]), "🔥", WRITER.id)
            await daemon.until(lambda: follower.follow(daemon), lambda _: "reactions" in follower.kinds)
            who = {"platform": "discord", "user_id": str(WRITER.id)}
            assert (await daemon.ask("POST", "/api/forgotten-users", json=who))[0] in (200, 202)
            await daemon.until(
                lambda: daemon.get("/api/forgotten-users"),
                lambda found: all(request["completed_at"] for request in found["requests"]),
            )
            await daemon.idle(2)
            await follower.follow(daemon)
            assert follower.mirror == await archived(daemon)
            assert follower.kinds >= {"created", "edited", "erased", "reactions"}
            for path, status, code, words in WRONG:
                found, problem = await daemon.ask("GET", f"/api/tenants/{path}")
                assert (found, problem["code"]) == (status, code), path
                assert words in problem["detail"], problem["detail"]
            await daemon.ask("DELETE", f"{TENANT}?purge=true")
            assert (await daemon.ask("GET", f"{TENANT}/changes"))[0] == 404
