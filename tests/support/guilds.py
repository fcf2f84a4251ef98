"""A world with one guild, and its archive."""

import asyncio
import time
from collections.abc import Collection
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from adapters.discord.simulator import Simulator, World
from adapters.discord.simulator.truth import truth
from tests.support.archive import assert_current, assert_equal_to_truth
from tests.support.erased import TruthWithoutPeople, truth_without
from tests.support.patience import PATIENCE_SECONDS
from tests.support.process import NO_REACTIONS, UNHURRIED, Process, process


def guild_of(world: World) -> int:
    """Return the id of a world's first guild."""
    return next(iter(world.guilds))


def assert_complete(world: World, url: str) -> None:
    """Hold the archive of the only guild against it, but for the users behind reactions."""
    (guild_id,) = world.guilds
    assert_equal_to_truth(url, truth(world, guild_id), guild_id, without=["reactions"])


async def complete(world: World, sim: Simulator, url: str, log: Path) -> None:
    """Run the daemon once more, after which the archive equals the guild."""
    async with process(log, sim=sim, url=url, settings=UNHURRIED | NO_REACTIONS) as daemon:
        await daemon.until(lambda: '"event": "connected"' in daemon.log)
        await daemon.sync(guild_of(world))  # what failed too often waits for its next hour otherwise
        await daemon.synced()
        assert await daemon.stop() == 0
    assert_complete(world, url)


async def until_current(
    daemon: Process, url: str, world: World, since: datetime | None = None, erased: Collection[str] = ()
) -> None:
    """Wait until the archive of the only guild is as the guild is now, as far as ``assert_current`` looks."""
    guild_id = guild_of(world)
    expected = await asyncio.to_thread(_read_once, truth_without(world, guild_id, erased))
    began = time.monotonic()
    while True:
        assert daemon.process.returncode is None, daemon.log
        try:
            await asyncio.to_thread(assert_current, url, expected, guild_id, since=since)  # the guild's server goes on
        except AssertionError:
            waited = time.monotonic() - began
            if waited > PATIENCE_SECONDS:
                raise
            await asyncio.sleep(0.1 + waited / 10)  # a look at everything is dear
        else:
            return


def _read_once(truth: TruthWithoutPeople) -> SimpleNamespace:
    """Read a truth once, to be asked many times."""
    tables = ("messages", "attachments", "reaction_totals", "reactions")
    return SimpleNamespace(**{table: partial(iter, list(getattr(truth, table)())) for table in tables})
