"""The simulator's richest world in an archive: everything that a message can have, for what reads the archive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.discord.simulator import Simulator, World, rich_world
from tests.support.daemon import Daemon, running_daemon

_THREADS = 40  # of hundreds that are alike: what a test takes follows from how many there are


@asynccontextmanager
async def rich_archive(database_url: str, *, is_small: bool = False) -> AsyncIterator[tuple[World, Daemon]]:
    """Fill an archive with a world, a small one without its main guild; go on running the daemon that did it."""
    world = rich_world()
    if is_small:
        del world.guilds[next(iter(world.guilds))]
    for guild in world.guilds.values():
        for thread_id in list(guild.threads)[_THREADS:]:
            del guild.threads[thread_id]
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle(len(world.guilds))
        yield world, daemon
