"""Everything that a trouble can get at."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.faults import FaultKind
from adapters.discord.simulator.model import Guild
from adapters.discord.simulator.request_log import GATEWAY, Entry
from tests.simulation.community import Life
from tests.simulation.inline_sqlite import Disk
from tests.simulation.machine import Machine
from tests.simulation.universe import World

MESSAGES, LISTING = "/channels/{channel_id}/messages", "/channels/{channel_id}/threads/archived/public"
CHANNELS, ROLES = "/guilds/{guild_id}/channels", "/guilds/{guild_id}/roles"
_PATIENCE_SECONDS = 6.0
_MOST_SECONDS_OF_A_SYNC = 25
_Wanted = tuple[str, Fault | None, "asyncio.Future[Entry]"]


class Arrivals:
    """Requests at the instant at which they reach Discord, so that a trouble can meet one on its way."""

    def __init__(self, sim: Simulator) -> None:
        self._faults = sim.faults
        self._begin = sim.requests.begin
        self._wanted: list[_Wanted] = []
        sim.requests.begin = self._arrived  # type: ignore[method-assign]

    async def next(self, route: str, fault: Fault | None = None) -> Entry | None:
        """Wait for the next request of a route, and let this fault strike it; None where none comes."""
        wanted: _Wanted = (route, fault, asyncio.get_running_loop().create_future())
        self._wanted.append(wanted)
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await wanted[2]
        except TimeoutError:
            self._wanted = [one for one in self._wanted if one is not wanted]
            return None

    def _arrived(
        self, method: str, template: str, path: str, query: Mapping[str, str], channel_id: int | None
    ) -> Entry:
        entry = self._begin(method, template, path, query, channel_id)
        wanted = next((one for one in self._wanted if one[0] == template), None)
        if wanted is not None:
            self._wanted.remove(wanted)
            if wanted[1] is not None:
                self._faults.put_first(wanted[1])
            wanted[2].set_result(entry)
        return entry


@dataclass
class Stage:
    """Everything that a trouble can get at."""

    world: World
    sim: Simulator
    guild: Guild
    life: Life
    machine: Machine
    disk: Disk
    chance: random.Random
    arrivals: Arrivals = field(init=False)
    troubles: int = 0
    """How many are under way that keep the daemon from hearing or writing at once."""
    on_commit: Callable[[], None] = lambda: None
    """Called after each commit."""

    def __post_init__(self) -> None:
        self.arrivals = Arrivals(self.sim)

    async def last(self, least: float, most: float) -> None:
        """Let a trouble last for a while."""
        await asyncio.sleep(self.chance.uniform(least, most))

    async def permit(self, channel_id: int, *, allow: int = 0, deny: int = 0) -> None:
        """Give the bot's own overwrite of a channel these bits, once the guild is there."""
        await self.be_there()
        self.sim.change.set_bot_permissions(channel_id, allow=allow, deny=deny)

    async def be_there(self) -> None:
        """Wait until the bot is in the guild."""
        while not self.life.is_there:  # noqa: ASYNC110 (it is looked at seldom)
            await asyncio.sleep(0.1)

    async def be_read(self) -> None:
        """Wait until a sync has ended well, for a while: what is changed by then is mostly stored."""
        for _ in range(_MOST_SECONDS_OF_A_SYNC):
            _, view = await self.machine.ask("GET", f"/api/tenants/discord-{self.guild.id}")
            if view and view.get("sync_status") == "ok":
                return
            await asyncio.sleep(1)

    def a_channel(self) -> int:
        """Choose a channel."""
        return self.chance.choice(list(self.guild.channels))


def delay(on: Stage, *, most_seconds: float) -> list[Fault]:
    """Let answers be late from now on, each by its own measure, and some be older than what is told meanwhile."""
    added = []
    for route in (MESSAGES, LISTING, None):
        kind: FaultKind = on.chance.choice(("late", "late", "slow"))
        seconds, every = on.chance.uniform(0.1, most_seconds), on.chance.randint(1, 4)
        added.append(Fault(kind, route=route, seconds=seconds, every=every, times=None))
    on.sim.faults.add(*added)
    return added


def cut_off(on: Stage, seconds: float) -> None:
    """Close the connections to the gateway, and let the next ones be that long in coming."""
    on.sim.faults.put_first(Fault("slow", GATEWAY, seconds=seconds, times=on.sim.gateway.shards))
    on.sim.gateway.close(4000)


async def request_sync(on: Stage, kind: str | None = None, *, patience_seconds: int = 0) -> None:
    """Have the daemon read right now, and mostly no more than it needs; be patient while another sync goes on."""
    body = {"kind": kind or on.chance.choice(("manual", "manual", "audit"))}
    for _ in range(patience_seconds + 1):
        _, said = await on.machine.ask("POST", f"/api/tenants/discord-{on.guild.id}/sync", json=body)
        if not patience_seconds or (said and said.get("created")):
            return
        await asyncio.sleep(1)


async def provoke(on: Stage) -> None:
    """Mostly, have the daemon read right now."""
    if on.chance.random() < 0.7:
        await request_sync(on)
