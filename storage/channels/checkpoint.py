"""How far each channel is. Every change is guarded by the lease of the job that makes it."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Executable, bindparam, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Text

from adapters.records import JsonValue
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import HELD, JobLease
from storage.sql import INSERT, Id, JsonObject, RowId, UtcDateTime, one_row
from storage.tables import sync_jobs, sync_progress


class ProgressState(StrEnum):
    """How a channel stands with the job that last asked of it."""

    SYNCING = "syncing"
    COMPLETE = "complete"  # it reached its head
    FAILED = "failed"  # it was given up; its last_error says why


def _guarded(state: ProgressState, **columns: ColumnElement[Any]) -> dict[str, Executable]:
    """An upsert of one row that finds nothing to insert once the job is another's.

    The job's row stays locked until the commit, so that nobody takes the job up in between. On PostgreSQL the lock
    is a shared one: a job's channels do not wait for each other.
    """
    now = bindparam("now", type_=UtcDateTime)
    given = {
        "channel_id": bindparam("channel", type_=RowId),
        "messages_archived": literal_column("0", BigInteger),
        "state": literal_column(f"'{state}'", Text),
        "last_job_id": sync_jobs.c.id,
        **columns,
        "created_at": now,
        "updated_at": now,
    }
    source = select(*given.values()).where(*HELD).with_for_update(read=True)
    statements: dict[str, Executable] = {}
    for dialect, insert in INSERT.items():
        statement = insert(sync_progress).from_select(list(given), source)
        new: dict[str, ColumnElement[Any]] = {
            name: statement.excluded[name] for name in given if name not in ("channel_id", "created_at")
        }
        new["messages_archived"] = sync_progress.c.messages_archived + statement.excluded.messages_archived
        upsert = statement.on_conflict_do_update(index_elements=["channel_id"], set_=new)
        statements[dialect] = upsert.returning(sync_progress.c.channel_id)
    return statements


_ADVANCE = _guarded(
    ProgressState.SYNCING,
    last_message_platform_id=bindparam("message", type_=Id),
    last_message_at=bindparam("sent_at", type_=UtcDateTime),
    messages_archived=bindparam("count", type_=BigInteger),
)


async def advance(
    connection: AsyncConnection,
    job: JobLease,
    channel_id: int,
    *,
    message_id: str,
    sent_at: datetime,
    count: int,
    now: datetime,
) -> None:
    """Move a channel's checkpoint to a message, in the transaction that stores it and ``count`` - 1 before it.

    Raises:
        LeaseLost: the job is another's; the transaction must not be committed.
    """
    values = {"message": message_id, "sent_at": sent_at, "count": count}
    await _write(connection, _ADVANCE, channel_id, job, now, values)


_FINISH = _guarded(
    ProgressState.COMPLETE,
    deleted_head_platform_id=bindparam("deleted_head", type_=Id),
    last_error=literal_column("NULL", JsonObject),
)


@finish_before_cancel
async def finish_channel(
    db: Database, channel_id: int, *, deleted_head_id: str | None, job: JobLease, now: datetime
) -> None:
    """A channel reached its head.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        deleted_head_id: the newest message that the platform tells of, where asking for it brought nothing: it is gone,
            and need not be asked for again. None forgets one that was remembered.
        job: the lease of the job that does it.
        now: the time of the row's change.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.writing() as connection:
        await _write(connection, _FINISH, channel_id, job, now, {"deleted_head": deleted_head_id})


_FAIL = _guarded(ProgressState.FAILED, last_error=bindparam("error", type_=JsonObject))


@finish_before_cancel
async def fail_channel(
    db: Database, channel_id: int, *, error: Mapping[str, JsonValue], job: JobLease, now: datetime
) -> None:
    """A channel was given up. Its checkpoint stays, and the next job goes on from there.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.writing() as connection:
        await _write(connection, _FAIL, channel_id, job, now, {"error": dict(error)})


async def _write(
    connection: AsyncConnection,
    statements: Mapping[str, Executable],
    channel_id: int,
    job: JobLease,
    now: datetime,
    values: Mapping[str, object],
) -> None:
    parameters = {"channel": channel_id, "now": now, **values, **job.as_values()}
    if await one_row(connection, statements[connection.dialect.name], parameters) is None:
        raise LeaseLost
