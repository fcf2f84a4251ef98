"""A purge while the tenant's changes are given positions: wherever the two meet, nothing of the changes is left."""

import asyncio

import pytest
from sqlalchemy import text

from storage.changes import number_changes
from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.tables import change_queue, message_changes, messages
from storage.tenants import Tenant, purge_tenant, resume_tenant, unfinished_purges
from tests.support.builders import NOW, channel, message
from tests.support.job_steps import running_job
from tests.support.repair_steps import LATER, Way
from tests.support.stepped import Stepped
from tests.support.tables_of import count_of, run_sql

_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


class CommittedLate(Stepped):
    """What is written is committed only when it is let."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self.has_written, self.may_commit = asyncio.Event(), asyncio.Event()

    async def before_commit(self) -> None:
        self.has_written.set()
        await self.may_commit.wait()


class Meeting(Stepped):
    """Behind one transaction, changes begin to get positions, which are committed once the purge can do no more."""

    def __init__(self, db: Database, step: int) -> None:
        super().__init__(db)
        self.step = step
        self.numbered = CommittedLate(db)
        self.numbering: asyncio.Future[bool] | None = None

    async def after_commit(self) -> None:
        if self.written == self.step:
            self.numbering = asyncio.ensure_future(number_changes(self.numbered.as_database, LATER))
            has_written = asyncio.ensure_future(self.numbered.has_written.wait())
            await asyncio.wait([self.numbering, has_written], return_when=asyncio.FIRST_COMPLETED)
            has_written.cancel()

    async def purge(self, tenant_id: str) -> None:
        purging = asyncio.ensure_future(purge_tenant(self.as_database, tenant_id, LATER))
        while not purging.done() and not await self.is_held_up():  # noqa: ASYNC110 # the server does not tell
            await asyncio.sleep(0)
        self.numbered.may_commit.set()
        await purging
        if self.numbering is not None:
            await self.numbering

    async def is_held_up(self) -> bool:
        if self.db.dialect == "sqlite":  # has one writer
            return self.numbered.has_written.is_set()
        async with self.db.reading() as connection:
            return (await connection.execute(_WAITING)).scalar_one() > 0


async def store_changes(db: Database, tenant: Tenant) -> None:
    """Changes with positions and without."""
    await resume_tenant(db, tenant.id, NOW)
    await save_channels(db, tenant.id, [channel("5")], NOW)
    (state,) = await channel_states(db, tenant.id)
    way = Way(db, tenant, state, await running_job(db, tenant.id))
    await way.store(message(1), message(2))
    await number_changes(db, NOW)
    await run_sql(db, "UPDATE messages SET content = 'edited' WHERE platform_id = '1'")


async def is_all_gone(db: Database) -> bool:
    counts = [await count_of(db, table) for table in (messages, message_changes, change_queue)]
    return counts == [0, 0, 0] and await unfinished_purges(db) == []


@pytest.mark.slow
async def test_behind_each_transaction_of_the_purge(db: Database, tenant: Tenant) -> None:
    step = 0
    while True:
        await store_changes(db, tenant)
        meeting = Meeting(db, step := step + 1)
        await meeting.purge(tenant.id)
        assert await is_all_gone(db), f"numbered behind transaction {step}"
        if meeting.written < step:
            break
    assert step > 5
