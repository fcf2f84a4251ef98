"""The ways in which what a daemon stands on fails it, each begun, and ended, while its guild goes on."""

import asyncio
import hashlib
import random
import signal
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from adapters.discord.simulator import Fault, Simulator
from adapters.discord.simulator.permissions import READ_MESSAGE_HISTORY
from tests.support.process import Process, run_to_end
from tests.support.skewed_daemon import set_skew
from tests.support.unrest import Unrest

STALL_SECONDS = 18.0  # longer than a job's lease
MESSAGES_ROUTE = "/channels/{channel_id}/messages"


class Troubles:
    """Make trouble of every kind for one daemon over one guild, in turn, in a random order.

    The changes that happen meanwhile are sent to whoever is connected, but where Discord itself would not.
    """

    def __init__(self, sim: Simulator, unrest: Unrest, url: str, skew: Path, seed: int, changes: int) -> None:
        self._sim = sim
        self._unrest = unrest
        self._url = url
        self._skew = skew
        self._chance = random.Random(seed)
        self.changes = changes
        self._next: list[str] = []
        self.sessions = 0  # how many there have been at least
        self.erased: set[str] = set()  # the hashes of people who were forgotten
        self.made: dict[str, int] = {}

    def make(self, daemon: Process) -> AbstractAsyncContextManager[str]:
        """Make the next trouble for the length of a block; the block is given its name."""
        if not self._next:
            self._next = sorted(name for name in dir(self) if name.startswith("_make_"))
            self._chance.shuffle(self._next)
        name = self._next.pop()
        self._sim.faults.clear()
        self.sessions = self._sim.gateway.identifies
        self.made[name] = self.made.get(name, 0) + 1
        return self._named(name, daemon)

    @asynccontextmanager
    async def _named(self, name: str, daemon: Process) -> AsyncIterator[str]:
        trouble = getattr(self, name)
        async with trouble(daemon):
            yield name.removeprefix("_make_")

    @asynccontextmanager
    async def _make_dropped_connection(self, daemon: Process) -> AsyncIterator[None]:
        """Resumed: what happened meanwhile is sent again."""
        self._sim.gateway.close(4000)
        await self._unrest.happen(self.changes // 5, silent=False)
        yield

    @asynccontextmanager
    async def _make_lost_session(self, daemon: Process) -> AsyncIterator[None]:
        self._sim.gateway.invalidate()
        self._unrest.listened_to()
        await self._unrest.happen(self.changes // 5, silent=True)
        self.sessions += self._sim.gateway.shards
        yield

    @asynccontextmanager
    async def _make_cut_shard(self, daemon: Process) -> AsyncIterator[None]:
        """The session of the guild's shard ends, and the other shards go on."""
        gateway = self._sim.gateway
        gateway.lose((next(iter(self._sim.world.guilds)) >> 22) % gateway.shards)
        self._unrest.listened_to()
        await self._unrest.happen(self.changes // 5, silent=True)
        self.sessions += 1
        yield

    @asynccontextmanager
    async def _make_limit(self, daemon: Process) -> AsyncIterator[None]:
        self._sim.faults.add(Fault("rate_limit", route=MESSAGES_ROUTE, after=5, retry_after=0.2))
        yield

    @asynccontextmanager
    async def _make_faults(self, daemon: Process) -> AsyncIterator[None]:
        self._sim.faults.scatter(one_in=50, seed=self._chance.randrange(1000))
        yield

    @asynccontextmanager
    async def _make_withheld_content(self, daemon: Process) -> AsyncIterator[None]:
        world = self._sim.world
        flags, world.application_flags = world.application_flags, 0
        yield
        world.application_flags = flags

    @asynccontextmanager
    async def _make_withdrawn_history(self, daemon: Process) -> AsyncIterator[None]:
        """The history of some channels is the bot's no more, which its connection is not sent."""
        guild = next(iter(self._sim.world.guilds.values()))
        chosen = self._chance.sample([one.id for one in guild.channels.values() if not one.overwrites], 20)
        self._sim.gateway.close(4000)
        for channel_id in chosen:
            self._sim.change.set_bot_permissions(channel_id, deny=READ_MESSAGE_HISTORY, silent=True)
        yield
        for channel_id in chosen:
            self._sim.change.set_bot_permissions(channel_id)
            self._sim.world.guilds[guild.id].channels[channel_id].overwrites.clear()

    @asynccontextmanager
    async def _make_outage(self, daemon: Process) -> AsyncIterator[None]:
        guild_id = next(iter(self._sim.world.guilds))
        self._sim.change.set_guild_unavailable(guild_id)
        self._unrest.listened_to()
        await self._unrest.happen(self.changes // 5, silent=True)
        self._sim.change.set_guild_available(guild_id)
        yield

    @asynccontextmanager
    async def _make_late_guild(self, daemon: Process) -> AsyncIterator[None]:
        """The guild comes seconds after the session has begun."""
        guild = next(iter(self._sim.world.guilds.values()))
        guild.unavailable = True
        self._sim.gateway.invalidate()
        self._unrest.listened_to()
        self.sessions += self._sim.gateway.shards
        await daemon.until(lambda: self._sim.gateway.identifies >= self.sessions)
        await self._unrest.happen(self.changes // 5, silent=True)
        await asyncio.sleep(3.0)
        self._sim.change.set_guild_available(guild.id)
        yield

    @asynccontextmanager
    async def _make_stalled_database(self, daemon: Process) -> AsyncIterator[None]:
        async def stall() -> None:
            with locked(self._url):
                await asyncio.sleep(STALL_SECONDS)

        async with _beside(stall()):
            yield

    @asynccontextmanager
    async def _make_stopped_process(self, daemon: Process) -> AsyncIterator[None]:
        async def stop() -> None:
            await asyncio.sleep(self._chance.random())  # somewhere in the sync that follows
            daemon.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(STALL_SECONDS)
            daemon.process.send_signal(signal.SIGCONT)

        async with _beside(stop()):
            yield

    @asynccontextmanager
    async def _make_jumping_clock(self, daemon: Process) -> AsyncIterator[None]:
        async def jump() -> None:
            for hours in (1, -1, 24, 0):
                set_skew(self._skew, timedelta(hours=hours))
                await asyncio.sleep(1.0)

        async with _beside(jump()):
            yield

    @asynccontextmanager
    async def _make_backup(self, daemon: Process) -> AsyncIterator[None]:
        await asyncio.to_thread(back_up, self._url, self._skew.parent)
        yield

    @asynccontextmanager
    async def _make_erasure(self, daemon: Process) -> AsyncIterator[None]:
        """Somebody is forgotten beside the sync."""

        async def forget() -> None:
            settings = {"PLATFORM_SYNC_HTTP__PORT": (await daemon.url()).rpartition(":")[2]}
            output = self._skew.with_name("forgotten")
            status, said = await run_to_end(output, "forget", url=self._url, settings=settings, given=f"{person.id}\n")
            assert (status, "removed" in said) == (0, True), said

        guild = next(iter(self._sim.world.guilds.values()))
        person = self._chance.choice(list(guild.users.values())[:40])
        self.erased.add(hashlib.sha256(str(person.id).encode()).hexdigest())
        async with _beside(forget()):
            yield


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something beside the block, and wait for its end after it."""
    task = asyncio.create_task(work)
    yield
    await task


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Keep everybody else from writing into an archive."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(make_url(url).database or "", isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("LOCK TABLE sync_jobs, sync_progress, messages IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()


def back_up(url: str, folder: Path) -> None:
    """Read the whole archive in one transaction, as its backup does."""
    if url.startswith("sqlite"):
        with (
            closing(sqlite3.connect(make_url(url).database or "")) as source,
            closing(sqlite3.connect(folder / "backup.db")) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA integrity_check")
    else:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            for (table,) in tables:
                connection.execute(f'LOCK TABLE "{table}" IN ACCESS SHARE MODE')
            for (table,) in tables:
                with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as copy:
                    for _ in copy:
                        pass
