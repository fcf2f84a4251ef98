"""Changes a guild so many times a second for a while, and measures what that does to a daemon."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from statistics import median

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.model import Guild
from tests.support.process import Process

_SLICES = 20  # a second
_EMOJI = ("👍", "❤️", "🔥", "🎉")


@dataclass
class Storm:
    """The figures of one storm."""

    events: int = 0
    seconds: float = 0.0
    answers: list[float] = field(default_factory=list)  # seconds
    resident_mib: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        """Return how fast the API answered."""
        return median(self.answers) * 1000


async def storm(sim: Simulator, guild: Guild, daemon: Process, *, a_second: int, seconds: int, seed: int) -> Storm:
    """Change the guild so often a second, and time the API meanwhile."""
    seen = Storm()
    watching = asyncio.create_task(_watch(daemon, seen))
    began = time.monotonic()
    chance = random.Random(seed)
    places = [
        (channel, [int(m["id"]) for m in channel.messages.page(limit=100)]) for channel in guild.channels.values()
    ]
    users = list(guild.users)
    for number in range(seconds * _SLICES):
        for _ in range(a_second // _SLICES):
            channel, ids = chance.choice(places)
            seen.events += _one(sim, channel.id, chance.choice(ids), chance, users)
        ahead = began + (number + 1) / _SLICES - time.monotonic()
        await asyncio.sleep(max(ahead, 0))
    seen.seconds = time.monotonic() - began
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return seen


def _one(sim: Simulator, channel: int, message: int, chance: random.Random, users: list[int]) -> bool:
    what = chance.random()
    if what < 0.5:
        return sim.change.react(channel, message, chance.choice(_EMOJI), chance.choice(users))
    if what < 0.7:
        return sim.change.unreact(channel, message, chance.choice(_EMOJI), chance.choice(users))
    if what < 0.999:
        return bool(sim.change.edit(channel, message, f"edited {chance.random()}"))
    sim.change.clear_reactions(channel, message)
    return True


async def _watch(daemon: Process, seen: Storm) -> None:
    while True:
        began = time.monotonic()
        await daemon.get("/api/tenants")
        seen.answers.append(time.monotonic() - began)
        seen.resident_mib.append(daemon.resident_mib)
        await asyncio.sleep(0.2)
