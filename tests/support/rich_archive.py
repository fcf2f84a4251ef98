"""The simulator's richest world in an archive: everything that a message can have, for what reads the archive."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.discord.simulator import Simulator, World, rich_world
from tests.support.daemon import Daemon, running_daemon

_ALIKE = 12  # of 230 archived threads that differ in little but their times


def lean_rich_world() -> World:
    """Return the rich world with one of everything and without most of what is there many times.

    For tests of other things than the paging of a listing: that is compared whole in ``test_archive``.
    """
    world = rich_world()
    for guild in world.guilds.values():
        projects = {channel.id for channel in guild.channels.values() if channel.name == "projects"}
        alike = [thread.id for thread in guild.threads.values() if thread.parent_id in projects]
        for thread_id in alike[_ALIKE:]:
            del guild.threads[thread_id]
    return world


@asynccontextmanager
async def rich_archive(database_url: str, *, is_small: bool = False) -> AsyncIterator[tuple[World, Daemon]]:
    """Fill an archive with a world, a small one without its main guild; go on running the daemon that did it."""
    world = lean_rich_world()
    if is_small:
        del world.guilds[next(iter(world.guilds))]
    async with Simulator(world) as sim, running_daemon(sim, database_url) as daemon:
        await daemon.idle(len(world.guilds))
        yield world, daemon
