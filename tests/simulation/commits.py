"""A crash right after one commit of a small first sync: which one is given, so that each can be tried in turn."""

import asyncio
import random
import tempfile
from pathlib import Path

from adapters.discord.simulator import Simulator
from tests.simulation.community import NOW, Life, guild_of, small_community, true_now
from tests.simulation.ending import end_well
from tests.simulation.inline_sqlite import Disk, inline_sqlite
from tests.simulation.machine import Machine
from tests.simulation.stage import Stage
from tests.simulation.story import PORT
from tests.simulation.universe import Run, World, run
from tests.simulation.witness import Witness

_SETTINGS = {
    "PLATFORM_SYNC_SYNC__BATCH_SIZE": "100",
    "PLATFORM_SYNC_SYNC__INTERVAL": "30 d",
    "PLATFORM_SYNC_SYNC__REPAIR_LOOKBACK": "60 d",  # everything lies within reach of a repair
    "PLATFORM_SYNC_DISCORD__REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__CHANNEL_REQUESTS_PER_SECOND": "100000",
    "PLATFORM_SYNC_DISCORD__REACTION_REQUESTS_PER_SECOND": "100000",
}
_CHANGES = 12
_FIRST_SYNC_SECONDS = 2.5


def tell_of_commit(number: int) -> Run:
    """Kill the daemon after so many commits; the run's value is whether there were so many."""
    with tempfile.TemporaryDirectory() as folder, inline_sqlite() as disk:
        return run(number, lambda world: _story(world, disk, number, Path(folder)), now=NOW)


async def _story(world: World, disk: Disk, number: int, folder: Path) -> bool:
    discord, is_time = small_community(), asyncio.Event()
    guild = guild_of(discord)
    async with Simulator(discord, port=PORT, clock=true_now) as sim:
        life = Life(sim, guild, 1)
        machine = Machine(world, sim, disk, folder / "archive.db", _SETTINGS)
        witness = Witness(machine.archive, guild, life)
        stage = Stage(world, sim, guild, life, machine, disk, random.Random(1))

        def committed(count: int) -> None:
            if count == number:
                machine.kill()
                is_time.set()
            witness.look()

        disk.on_commit = committed
        machine.start()
        people = asyncio.create_task(_people(life))
        try:
            async with asyncio.timeout(_FIRST_SYNC_SECONDS):
                await is_time.wait()
        except TimeoutError:
            assert machine.error is None, machine.error
            return False
        await people
        machine.start()
        await end_well(stage, witness, with_audit=False)
        return True


async def _people(life: Life) -> None:
    for _ in range(_CHANGES):
        await asyncio.sleep(0.1)
        await life.happen(1, silent=False)
