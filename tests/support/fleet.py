"""Several daemons that share an archive and the shards of one bot, and what happens to them."""

import asyncio
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from adapters.discord.simulator import Simulator
from tests.support.database_link import DatabaseLink, database_link
from tests.support.process import Process, process
from tests.support.skewed_daemon import SKEW_FILE, set_skew

LEASE_SECONDS = 15.0
SKEW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One of the daemons."""

    daemon: Process
    link: DatabaseLink
    skew: Path
    opened: AsyncExitStack

    def signal(self, number: signal.Signals) -> None:
        """Send its process a signal."""
        self.daemon.process.send_signal(number)


class Fleet:
    """The daemons; each has a name, a link to the database and a clock of its own."""

    def __init__(self, sim: Simulator, url: str, folder: Path, settings: Mapping[str, str], seed: int) -> None:
        self._sim, self._url, self._folder, self._settings = sim, url, folder, settings
        self._chance = random.Random(seed)
        self.members: list[Member] = []
        self._started = 0
        self._left: list[str] = []
        self.made: dict[str, int] = {}

    async def __aenter__(self) -> "Fleet":
        return self

    async def __aexit__(self, *_: object) -> None:
        for member in self.members:
            await member.opened.aclose()

    async def start(self) -> Member:
        """Start one more."""
        self._started += 1
        skew, log = self._folder / f"skew-{self._started}", self._folder / f"log-{self._started}"
        set_skew(skew, timedelta())
        async with AsyncExitStack() as opened:
            link, url = await opened.enter_async_context(database_link(self._url))
            settings = {**self._settings, SKEW_FILE: str(skew)}
            running = process(log, sim=self._sim, url=url, settings=settings, module="tests.support.skewed_daemon")
            daemon = await opened.enter_async_context(running)
            member = Member(daemon=daemon, link=link, skew=skew, opened=opened.pop_all())
        self.members.append(member)
        return member

    async def end(self, member: Member, *, is_killed: bool) -> None:
        """Kill one, or stop it as an operator does."""
        self.members.remove(member)
        if is_killed:
            await member.daemon.kill()
        else:
            assert await member.daemon.stop() == 0, member.daemon.log[-3_000:]
        await member.opened.aclose()

    async def trouble(self) -> str:
        """Have something happen to one of them that lasts for a while; return what it was."""
        if not self._left:
            self._left = ["killed", "stopped", "frozen", "cut off", "skewed"]
            self._chance.shuffle(self._left)
        kind, member = self._left.pop(), self._chance.choice(self.members)
        self.made[kind] = self.made.get(kind, 0) + 1
        match kind:
            case "killed" | "stopped":
                await self.end(member, is_killed=kind == "killed")
                await asyncio.sleep(self._chance.uniform(0, 2 * LEASE_SECONDS))
                await (await self.start()).daemon.url()  # what happens next, happens to one that runs
            case "frozen":
                member.signal(signal.SIGSTOP)
                await asyncio.sleep(self._chance.uniform(2.0, 2 * LEASE_SECONDS))
                member.signal(signal.SIGCONT)
            case "cut off":
                member.link.cut()
                await asyncio.sleep(2 * LEASE_SECONDS)
                member.link.mend()
            case "skewed":
                set_skew(member.skew, self._chance.choice([SKEW, -SKEW]))
                await asyncio.sleep(LEASE_SECONDS)
                set_skew(member.skew, timedelta())
        return kind

    def logs(self) -> Iterator[str]:
        """Yield what each of them has printed, also those that are gone."""
        return (log.read_text() for log in sorted(self._folder.glob("log-*")))

    async def processes(self) -> Any:
        """Return what one of them, whichever, says of all."""
        return (await self.members[-1].daemon.get("/api/processes"))["processes"]
