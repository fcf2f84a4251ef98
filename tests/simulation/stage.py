"""Everything that a trouble can get at."""

import asyncio
import random
from dataclasses import dataclass

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.faults import FaultKind
from adapters.discord.simulator.model import Guild
from tests.simulation.community import Life
from tests.simulation.inline_sqlite import Disk
from tests.simulation.machine import Machine
from tests.simulation.universe import World

MESSAGES, LISTING = "/channels/{channel_id}/messages", "/channels/{channel_id}/threads/archived/public"


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
    troubles: int = 0
    """How many are under way that keep the daemon from hearing or writing at once."""

    async def last(self, least: float, most: float) -> None:
        """Let a trouble last for a while."""
        await asyncio.sleep(self.chance.uniform(least, most))

    def a_channel(self) -> int:
        """Choose a channel."""
        return self.chance.choice(list(self.guild.channels))


def delay(on: Stage, *, most_seconds: float) -> None:
    """Let answers be late from now on, each by its own measure, and some be older than what is told meanwhile."""
    for route in (MESSAGES, LISTING, None):
        kind: FaultKind = on.chance.choice(("late", "late", "slow"))
        seconds, every = on.chance.uniform(0.1, most_seconds), on.chance.randint(1, 4)
        on.sim.faults.add(Fault(kind, route=route, seconds=seconds, every=every, times=None))


async def provoke(on: Stage) -> None:
    """Mostly, have the daemon read right now."""
    if on.chance.random() < 0.7:
        tenant, kind = f"/api/tenants/discord-{on.guild.id}", on.chance.choice(("manual", "audit"))
        await on.machine.ask("POST", f"{tenant}/sync", json={"kind": kind})
