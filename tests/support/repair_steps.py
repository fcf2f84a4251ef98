"""Planning ranges and reading them again."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from adapters.records import MessageRecord
from storage.channels import ChannelState, channel_states, save_channels
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import Changed, MessageBatch, refetch, save_batch
from storage.repair import (
    Coverage,
    PageOutcome,
    RefetchRange,
    finish_audit,
    pending_ranges,
    plan_refetches,
    reconcile_page,
    request_audit,
)
from storage.tables import attachments, messages, reaction_totals, sync_gaps, sync_progress
from storage.tenants import Tenant
from storage.unwritten import OpenEntry
from tests.support.builders import HOUR, MINUTE, NOW, SECOND, channel, message, thread
from tests.support.tables_of import rows_of

LATER = NOW + MINUTE
BEGINNING = NOW - HOUR


def cursor_at(moment: datetime) -> str:
    """As the numbers of the builders' messages have it: a second each."""
    return str(max(int((moment - BEGINNING) / SECOND) - 1, 0))


class Way:
    """A job that reads one channel again."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def store(self, *records: MessageRecord, channel_id: int | None = None, now: datetime = NOW) -> None:
        batch = MessageBatch(
            tenant_id=self.tenant.id, channel_id=channel_id or self.channel.id, messages=records, job=self.lease
        )
        await save_batch(self.db, batch, now)

    async def plan(self, lookback: timedelta = timedelta(0), now: datetime = LATER, page_size: int = 100) -> int:
        return await plan_refetches(
            self.db,
            self.tenant.id,
            lookback=lookback,
            cursor_at=cursor_at,
            page_size=page_size,
            job=self.lease,
            now=now,
        )

    async def refetch(self, *message_ids: str, channel: str = "5", now: datetime = NOW) -> None:
        await refetch(self.db, [(self.tenant.id, channel, message_id) for message_id in message_ids], now)

    async def audit(self) -> RefetchRange:
        await request_audit(self.db, self.tenant.id, LATER)
        assert await self.plan() == 1
        return await self.only()

    async def pending(self) -> list[RefetchRange]:
        return [found async for some in pending_ranges(self.db, self.tenant.id) for found in some]

    async def only(self) -> RefetchRange:
        (repair,) = await self.pending()
        return repair

    async def save(
        self,
        repair: RefetchRange,
        *records: MessageRecord,
        reached: str | None = None,
        touched: Collection[str] = (),
        now: datetime = LATER,
        changed: Changed = tuple,
        entries: Sequence[OpenEntry] = (),
    ) -> PageOutcome:
        return await reconcile_page(
            self.db,
            repair,
            records,
            reached=reached or repair.until_platform_id,
            changed_meanwhile=frozenset(touched),
            job=self.lease,
            now=now,
            changed=changed,
            entries=entries,
        )

    async def gap(self, began: datetime, ended: datetime | None, tenant_id: str | None = None) -> None:
        values = {"tenant_id": tenant_id or self.tenant.id, "began_at": began, "ended_at": ended}
        async with self.db.writing() as connection:
            await connection.execute(
                sync_gaps.insert().values(**values, reason="session_lost", created_at=NOW, updated_at=NOW)
            )

    async def ranges(self) -> list[tuple[str, str | None, str]]:
        pending = sorted(await self.pending(), key=lambda r: (r.channel_id, int(r.until_platform_id)))
        return [(r.channel_platform_id, r.after_platform_id, r.until_platform_id) for r in pending]


async def two_channels(way: Way, *, message_count: int | None = None) -> None:
    """Plan the audit of a channel of three messages and of a thread of one."""
    await save_channels(way.db, way.tenant.id, [thread("6", "5", message_count=message_count), channel("7")], NOW)
    thread_id = (await channel_states(way.db, way.tenant.id))[1].id
    await way.store(message(1), message(2), message(3))
    await way.store(message(1), channel_id=thread_id)
    await request_audit(way.db, way.tenant.id, NOW)
    assert await way.plan() == 2


async def finish_audits(way: Way, platform_count: int | None = None) -> None:
    for repair in await way.pending():
        await finish_audit(way.db, repair.id, platform_count=platform_count, job=way.lease, now=LATER)


async def state(db: Database) -> list[Any]:
    """All that a repair may change of messages."""
    return [await rows_of(db, table) for table in (messages, attachments, reaction_totals, sync_progress)]


async def plan_of(db: Database, query: Any, values: dict[str, Any]) -> str:
    """How the database runs a query."""
    async with db.writing() as connection:
        known = {name: values[name] for name in query.compile().params if name in values}
        plain = query.params(known).compile(connection.sync_connection, compile_kwargs={"literal_binds": True})
        if db.dialect == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if db.dialect == "sqlite" else "EXPLAIN"
        return str((await connection.exec_driver_sql(f"{explain} {plain}")).all())


NOTHING = Coverage(
    requested_at=None,
    audited_at=None,
    stored=0,
    of=0,
    missing=0,
    changed=0,
    deleted=0,
    channels_audited=0,
    channels=0,
    channels_hidden=0,
    ranges_left=0,
)
"""What is told of a tenant without an audit."""
