"""Store what the platform lists: channels and active threads, and pages of archived threads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import bindparam, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import ChannelRecord
from storage.channels.rows import prepared_rows
from storage.channels.skip import lock_channels, reopen_skipped
from storage.channels.upsert import SAVE_LISTED
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.sql import CHANNEL_PLATFORM_ID, NOW, TENANT_ID, JsonObject
from storage.tables import channels

Described: TypeAlias = Callable[[], Collection[str]]
"""Returns the channels, by the platform's ids, that events have described since a listing began."""


@finish_before_cancel
async def save_channels(
    db: Database,
    tenant_id: str,
    records: Sequence[ChannelRecord],
    now: datetime,
    *,
    began_at: datetime | None = None,
    described: Described = tuple,
    job: JobLease | None = None,
) -> None:
    """Store the channels of a listing, in any order; nothing follows from a channel's absence.

    A name of None keeps the stored one; an obfuscated record also keeps the stored metadata. A thread without a skip
    reason of its own takes its stored parent's. An unchanged row is not written.

    Args:
        db: the archive.
        tenant_id: ours.
        records: the channels.
        now: the time of the rows' change.
        began_at: when the listing's requests began; None: now. Channels hidden or deleted since then stay skipped.
        described: returns the platform ids of those that events were about since then: their names and metadata are
            newer than the listing's. It is called in the transaction.
        job: the lease of the job that listed them; None: not of a job.

    Raises:
        LeaseLost: the job is another worker's, whose listing may be newer; nothing was written.
    """
    async with db.writing() as connection:
        if job is not None:
            await require_lease(connection, job)
        await lock_channels(connection, tenant_id)
        await _save_listed(connection, tenant_id, records, now, began_at, described)


_CURSOR = bindparam("cursor", type_=JsonObject)
_SAVE_CURSOR = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == CHANNEL_PLATFORM_ID)
    .where(channels.c.thread_cursor.is_distinct_from(_CURSOR))
    .values(thread_cursor=_CURSOR, updated_at=NOW)
)


@finish_before_cancel
async def save_threads(
    db: Database,
    tenant_id: str,
    parent_platform_id: str,
    records: Sequence[ChannelRecord],
    cursor: Mapping[str, str],
    now: datetime,
    *,
    began_at: datetime | None = None,
    described: Described = tuple,
    job: JobLease | None = None,
) -> None:
    """Store a page of archived threads together with the cursor that is valid once they are stored.

    ``began_at``, ``described``, ``job`` and what is raised are as for ``save_channels``.
    """
    values = {"tenant": tenant_id, "channel_platform": parent_platform_id, "cursor": dict(cursor), "now": now}
    async with db.writing() as connection:
        if job is not None:
            await require_lease(connection, job)
        await lock_channels(connection, tenant_id)
        await _save_listed(connection, tenant_id, records, now, began_at, described)
        await connection.execute(_SAVE_CURSOR, values)


async def _save_listed(
    connection: AsyncConnection,
    tenant_id: str,
    records: Sequence[ChannelRecord],
    now: datetime,
    began_at: datetime | None,
    described: Described,
) -> None:
    newer = set(described())
    common = {"received_at": None, "began": began_at or now}
    async for rows in prepared_rows(connection, tenant_id, records, now):
        values = [row | common | {"is_outdated": row["channel_platform"] in newer} for row in rows]
        await connection.execute(SAVE_LISTED, values)
    skipped = [record.platform_id for record in records if record.skip_reason is not None]
    await reopen_skipped(connection, tenant_id, skipped, now)
