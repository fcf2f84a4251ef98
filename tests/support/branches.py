"""A platform in four parts, and processes that share them without anything that connects to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from adapters.parts import Division
from bot.live import LiveWriter
from bot.sharing import Sharing
from storage.database import Database, open_database
from storage.processes import Process
from tests.support.post_office import PostOffice

PARTS = tuple(f"{number}/4" for number in range(4))


class Branch(PostOffice):
    """A post office in four parts; each is connected as soon as it is held, and released in turn."""

    division = Division(PARTS, lambda platform_id: PARTS[len(platform_id) % 4])
    held: frozenset[str] = frozenset()

    def __init__(self, *, shares: bool = True) -> None:
        super().__init__(1)
        self.shares_parts = shares  # type: ignore[misc]
        self.share = 1.0
        self.released: list[str] = []
        """Every part that it was told to hold no more, in order."""
        if not shares:
            self.held = frozenset(PARTS)

    def hold(self, parts: frozenset[str]) -> None:
        self.released += sorted(self.held - parts)
        self.held = parts

    def take_share(self, share: float) -> None:
        self.share = share


class Member:
    """One process, without anything that connects to a platform."""

    def __init__(self, db: Database, name: str, branch: Branch) -> None:
        self.branch = branch
        self.live = LiveWriter(db, {"post": branch}, name, lambda: datetime.now(UTC))
        me = Process(id=name, host="here", pid=1, version="1", address=None, held={}, started_at=datetime.now(UTC))
        self.put_back: list[Callable[[str], bool]] = []
        self.sharing = Sharing(
            db,
            me,
            {"post": branch},
            self.live.following,
            lambda: datetime.now(UTC),
            self.put_back.append,
            beat_seconds=0.2,
        )

    async def run(self) -> None:
        """Share, and take note of what is no longer held, as the membership does."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sharing.run())
            group.create_task(self.live.run())
            noted = 0
            while True:
                for part in self.branch.released[noted:]:
                    self.live.following.disconnected("post", part, lambda _: False)
                    noted += 1
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(url: str, name: str, branch: Branch) -> AsyncIterator[Member]:
    """Run a process on an archive until the block ends."""
    db = await open_database(url, hash_choice="sha256")
    member = Member(db, name, branch)
    task = asyncio.create_task(member.run())
    try:
        yield member
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await db.close()
