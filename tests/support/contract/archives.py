"""What the archive holds of a community, in the words of ``Stage.truth``."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import create_engine, text

from adapters.base import PlatformAdapter
from bot.app import utc_now
from tests.support.contract.stage import Place, Said, Stage
from tests.support.daemon import HASTY, Daemon, end_of
from tests.support.delivering import delivering
from tests.support.patience import PATIENCE_SECONDS

_LOOK_SECONDS = 0.05
_MESSAGES = text(
    "SELECT c.platform_id AS place, m.platform_id AS id, m.content, m.author_hash, m.edited_at, m.deleted_at"
    " FROM messages m JOIN channels c ON c.id = m.channel_id WHERE m.tenant_id = :tenant AND c.skip_reason IS NULL"
)
_REACTIONS = text(
    "SELECT c.platform_id AS place, r.message_platform_id AS id, r.emoji, r.user_hash"
    " FROM reactions r JOIN channels c ON c.id = r.channel_id WHERE c.tenant_id = :tenant"
)


class Archived:
    """A daemon over one community, and its archive."""

    def __init__(self, stage: Stage, daemon: Daemon, url: str) -> None:
        self.stage = stage
        self.daemon = daemon
        self._engine = create_engine(url.replace("+aiosqlite", ""))

    def rows(self) -> dict[tuple[Place, str], Said]:
        """Return the messages of archived channels."""
        with self._engine.connect() as connection:
            given = {"tenant": self.stage.tenant_id}
            reactions: dict[tuple[str, str], set[tuple[str, str]]] = {}
            for row in connection.execute(_REACTIONS, given):
                reactions.setdefault((row.place, row.id), set()).add((row.emoji, row.user_hash))
            return {
                (row.place, row.id): (
                    row.content,
                    row.author_hash,
                    row.edited_at is not None,
                    frozenset(reactions.get((row.place, row.id), ())),
                )
                for row in connection.execute(_MESSAGES, given)
                if row.deleted_at is None
            }

    def rows_of_all(self) -> list[str]:
        """Return what every message says, also of channels that are no longer archived, and deleted ones."""
        with self._engine.connect() as connection:
            return list(connection.execute(text("SELECT content FROM messages")).scalars())

    async def becomes_true(self) -> None:
        """Wait until the archive is what the platform shows, without any sync."""
        for _ in range(int(PATIENCE_SECONDS / _LOOK_SECONDS)):
            if self.rows() == self.stage.truth():
                return
            assert not self.daemon.running.done(), "the daemon has ended"
            await asyncio.sleep(_LOOK_SECONDS)
        raise AssertionError(f"it does not come: {self.rows().items() ^ self.stage.truth().items()}")

    async def first_sync(self) -> None:
        """Wait for the end of the community's first sync."""

        await self.daemon.until(lambda: self.ends_of(self.stage.tenant_id), bool)

    async def ends_of(self, tenant_id: str) -> list[tuple[str, str | None]]:
        """Return how the jobs of any tenant ended: their status, and the code of their error."""
        jobs = (await self.daemon.get("/api/jobs"))["jobs"]
        return [end_of(job) for job in jobs if job["tenant_id"] == tenant_id and job["finished_at"]]

    async def sync(self, kind: str = "manual") -> Any:
        """Sync now; return the job as it ended."""
        given = {"json": {"kind": kind}} if kind != "manual" else {}
        _, job = await self.daemon.ask("POST", f"/api/tenants/{self.stage.tenant_id}/sync", **given)
        return await self.daemon.job_ended(job["job_id"])

    def close(self) -> None:
        """Close the connection to the archive."""
        self._engine.dispose()


@asynccontextmanager
async def archiving(
    stage: Stage,
    url: str,
    settings: Mapping[str, str] = {},
    *,
    beside: Mapping[str, PlatformAdapter] = {},
    clock: Callable[[], datetime] = utc_now,
) -> AsyncIterator[Archived]:
    """Run a daemon over a stage, and other platforms ``beside``, until its first sync has ended, and on."""
    async with (
        stage.running() as adapter,
        delivering(
            url, {stage.platform: adapter, **beside}, {**HASTY, **settings}, clock=clock, platforms=stage.platforms
        ) as daemon,
    ):
        archive = Archived(stage, daemon, url)
        try:
            await archive.first_sync()
            yield archive
        finally:
            archive.close()
