"""A seed's story: a daemon lives through troubles with its guild; then all is well, and the archive must be true."""

import asyncio
import logging
import random
import tempfile
from collections.abc import Collection
from pathlib import Path

from adapters.discord.simulator import Simulator
from tests.simulation import draws
from tests.simulation.clocks import wall_clock
from tests.simulation.community import NOW, Life, community, guild_of, true_now
from tests.simulation.ending import end_well
from tests.simulation.inline_sqlite import Disk, inline_sqlite
from tests.simulation.machine import Machine
from tests.simulation.oddities import vary
from tests.simulation.stage import Stage, delay
from tests.simulation.universe import Run, World, run
from tests.simulation.witness import Witness

PORT = 9000
_MOSTLY, _HALF, _SELDOM, _ONE_IN_FIVE = 0.7, 0.5, 0.4, 0.2
_MOST_CHANGES = 160
log = logging.getLogger(__name__)


def tell(seed: int, only: Collection[str] = ()) -> Run:
    """Run a seed; ``only`` names the troubles it may draw from, all of them where it is empty."""
    with tempfile.TemporaryDirectory() as folder, inline_sqlite() as disk:
        return run(seed, lambda world: _story(world, disk, seed, Path(folder), only), now=NOW)


async def _story(world: World, disk: Disk, seed: int, folder: Path, only: Collection[str]) -> None:
    chance = random.Random(f"story {seed}")
    discord = community(seed)
    guild = guild_of(discord)
    async with Simulator(discord, seed=seed, port=PORT, clock=true_now) as sim:
        life = Life(sim, guild, seed)
        machine = Machine(world, sim, disk, folder / "archive.db", _settings(chance))
        witness = Witness(machine.archive, guild, life)
        stage = Stage(world, sim, guild, life, machine, disk, chance)

        def committed(_: int) -> None:
            witness.look()
            stage.on_commit()

        disk.on_commit = committed
        vary(stage)
        if chance.random() < _MOSTLY:
            delay(stage, most_seconds=2)
        machine.start()
        await _live(stage, _drawn(chance, seed, only))
        await end_well(stage, witness)


def _settings(chance: random.Random) -> dict[str, str]:
    interval = chance.choice(("30 d", "30 d", "2 min"))
    # Everything lies within reach of a repair, so that nothing is left to audits.
    settings = {
        "SYNC__INTERVAL": interval,
        "SYNC__REPAIR_LOOKBACK": "60 d",
        "SYNC__VERIFY_INTERVAL": "0 s" if interval == "2 min" else "1 d",
        "SYNC__BATCH_SIZE": chance.choice(("100", "100", "1000")),
    }
    if chance.random() < 0.5:
        paces = ("DISCORD__REQUESTS", "DISCORD__CHANNEL_REQUESTS", "DISCORD__REACTION_REQUESTS")
        settings |= {f"{pace}_PER_SECOND": "100000" for pace in paces}
    return {f"PLATFORM_SYNC_{key}": value for key, value in settings.items()}


def _drawn(chance: random.Random, seed: int, only: Collection[str]) -> list[draws.Trouble]:
    calm = chance.random() < _SELDOM  # no gap has anything read again then
    named = [trouble for trouble in (*draws.ALL, *draws.APART) if trouble.__name__ in only]
    among = named if only else list(draws.ALL)
    among = [trouble for trouble in among if trouble in draws.HARMLESS] if calm and not only else among
    drawn = [chance.choice(among) for _ in range(chance.randint(1, 6))] if among else []
    apart = random.Random(f"apart {seed}")
    added = draws.APART if not calm and not only else ()
    return drawn + [trouble for trouble in added if apart.random() < _ONE_IN_FIVE]


async def _live(stage: Stage, troubles: list[draws.Trouble]) -> None:
    """Let people and troubles go on at once."""
    async with asyncio.TaskGroup() as group:
        are_over = asyncio.Event()
        people = group.create_task(_people(stage, are_over))
        pause = stage.chance.choice((0.4, 2, 6))
        begun = []
        if stage.chance.random() < _HALF:
            await stage.be_read()
        for trouble in troubles:
            await asyncio.sleep(stage.chance.expovariate(1 / pause))
            if trouble in draws.EXCLUSIVE:
                await _befall(stage, trouble)
            else:
                begun.append(group.create_task(_befall(stage, trouble)))
        if begun:
            await asyncio.wait(begun)
        are_over.set()
        await people


async def _befall(stage: Stage, trouble: draws.Trouble) -> None:
    log.info("%.3f s: %s begins", asyncio.get_running_loop().time(), trouble.__name__)
    life, is_harmless = stage.life, trouble in draws.HARMLESS
    if not is_harmless:
        stage.troubles += 1
        life.troubled_at = float("inf")
    await trouble(stage)
    if not is_harmless:
        stage.troubles -= 1
        life.troubled_at = float("inf") if stage.troubles else wall_clock().true_time()
    log.info("%.3f s: %s ends", asyncio.get_running_loop().time(), trouble.__name__)


async def _people(stage: Stage, are_over: asyncio.Event) -> None:
    """Let people go on for as long as there are troubles, and a while."""
    least, pace = stage.chance.randint(20, 60), stage.chance.choice((1, 4, 4, 8))
    for number in range(_MOST_CHANGES):
        if number >= least and are_over.is_set():
            break
        await asyncio.sleep(stage.chance.expovariate(pace))
        if stage.life.is_there:  # else nobody could tell that they did anything
            stage.life.change_once(silent=False)
