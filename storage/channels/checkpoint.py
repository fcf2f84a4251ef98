"""How far each channel is. Every change is guarded by the lease of the job that makes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import BigInteger, Integer, Text

from adapters.records import JsonValue
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import HELD, JobLease, extend_lease
from storage.sql import (
    CHANNEL_ID,
    MESSAGE_PLATFORM_ID,
    NOW,
    Id,
    JsonObject,
    UtcDateTime,
    dump_json,
    insert,
    json_strings,
    one_row,
)
from storage.tables import channels, messages, sync_jobs, sync_progress


class ProgressState(StrEnum):
    """How a channel stands with the job that last read it."""

    SYNCING = "syncing"
    COMPLETE = "complete"  # it was read to its end
    FAILED = "failed"  # it was given up; its last_error says why


def is_beyond(one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[bool]:
    """Compare two message ids by their numbers; every id is beyond null."""
    longer = func.length(one, type_=Integer) - func.length(other, type_=Integer)
    return or_(other.is_(None), longer > 0, and_(longer == 0, one > other))


def _guarded(
    state: ProgressState, *, of_stored: Mapping[str, ColumnElement[Any]] | None = None, **columns: ColumnElement[Any]
) -> Executable:
    """Build an upsert of one progress row that affects no row unless the job holds its lease.

    ``of_stored`` maps columns to their new values, as expressions over the existing row.

    The job's row stays locked until the commit, so that no other worker can claim the job in between. On PostgreSQL
    the lock is a shared one: a job's channels do not wait for each other.
    """
    given: dict[str, ColumnElement[Any]] = {
        "channel_id": CHANNEL_ID,
        "messages_archived": literal_column("0", BigInteger),
        "job_messages": literal_column("0", BigInteger),
        "state": literal_column(f"'{state}'", Text),
        "last_job_id": sync_jobs.c.id,
        **columns,
        "created_at": NOW,
        "updated_at": NOW,
    }
    source = select(*given.values()).where(*HELD).with_for_update(read=True)
    statement = insert(sync_progress).from_select(list(given), source)
    new: dict[str, ColumnElement[Any]] = {
        name: statement.excluded[name] for name in given if name not in ("channel_id", "created_at")
    }
    new["messages_archived"] = sync_progress.c.messages_archived + statement.excluded.messages_archived
    if "last_message_platform_id" in new:
        new |= _unless_behind(statement.excluded)
    is_same_job = sync_progress.c.last_job_id == statement.excluded.last_job_id
    before = case((is_same_job, sync_progress.c.job_messages), else_=0)
    new["job_messages"] = before + statement.excluded.job_messages
    upsert = statement.on_conflict_do_update(index_elements=["channel_id"], set_={**new, **(of_stored or {})})
    return upsert.returning(sync_progress.c.channel_id)


def _unless_behind(given: Any) -> dict[str, ColumnElement[Any]]:
    """Build the new values of the checkpoint columns: a checkpoint never moves back, whatever the messages' order."""
    stored = sync_progress.c
    is_ahead = is_beyond(given.last_message_platform_id, stored.last_message_platform_id)
    columns = ("last_message_platform_id", "last_message_at")
    return {name: case((is_ahead, given[name]), else_=stored[name]) for name in columns}


# Up to the checkpoint a message counts already unless this transaction stored it: its event moved the checkpoint while
# its page was on its way.
_is_counted = and_(
    messages.c.channel_id == CHANNEL_ID,
    messages.c.platform_id.in_(select(json_strings("written"))),
    messages.c.created_at != NOW,
    not_(is_beyond(messages.c.platform_id, sync_progress.c.last_message_platform_id)),
)
_counted = case(
    (is_beyond(bindparam("first", type_=Id), sync_progress.c.last_message_platform_id), 0),
    else_=select(func.count()).select_from(messages).where(_is_counted).correlate(sync_progress).scalar_subquery(),
)
_ADVANCE = _guarded(
    ProgressState.SYNCING,
    of_stored={
        "messages_archived": sync_progress.c.messages_archived + bindparam("count", type_=BigInteger) - _counted
    },
    is_read_to_end=false(),
    last_message_platform_id=MESSAGE_PLATFORM_ID,
    last_message_at=bindparam("sent_at", type_=UtcDateTime),
    messages_archived=bindparam("count", type_=BigInteger),
    job_messages=bindparam("count", type_=BigInteger),
)


async def advance(
    connection: AsyncConnection,
    job: JobLease,
    channel_id: int,
    *,
    message_id: str,
    sent_at: datetime,
    written: Sequence[str],
    now: datetime,
) -> None:
    """Move a channel's checkpoint to a message, in the transaction that stores those up to it.

    Args:
        connection: the transaction.
        job: the lease of the job that read them.
        channel_id: ``channels.id``.
        message_id: the message.
        sent_at: when it was sent.
        written: the ids of the stored messages, in any order.
        now: the time of the row's change, and of the messages'.

    Raises:
        LeaseLost: the job is another's; the transaction must not be committed.
    """
    values = {
        "message": message_id,
        "sent_at": sent_at,
        "count": len(written),
        "first": min(written, key=int, default=message_id),
        "written": dump_json(list(written)),
    }
    await _write(connection, _ADVANCE, channel_id, job, now, values)


# A channel that was hidden meanwhile is to be read again when it is shown.
_is_shown = select(channels.c.skip_reason.is_(None)).where(channels.c.id == CHANNEL_ID).scalar_subquery()
_FINISH = _guarded(
    ProgressState.COMPLETE,
    is_read_to_end=_is_shown,
    of_stored={"last_error": sync_progress.c.set_aside},  # reading on does not store what could not be stored
    deleted_head_platform_id=bindparam("deleted_head", type_=Id),
    last_error=literal_column("NULL", JsonObject),
)


@finish_before_cancel
async def finish_channel(
    db: Database, channel_id: int, *, deleted_head_id: str | None, job: JobLease, now: datetime
) -> None:
    """Record that a channel was read to its end.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        deleted_head_id: the head, where no request is needed while it stays the same: it is deleted, or the channel was
            read beyond it. None removes a remembered one.
        job: the lease of the job that read it.
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
    """Record that a channel was given up. Its checkpoint stays, and the next job goes on from there.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.writing() as connection:
        await _write(connection, _FAIL, channel_id, job, now, {"error": dict(error)})


async def _write(
    connection: AsyncConnection,
    statement: Executable,
    channel_id: int,
    job: JobLease,
    now: datetime,
    values: Mapping[str, object],
) -> None:
    await extend_lease(connection, job)
    params = {"channel": channel_id, "now": now, **values, **job.as_values()}
    if await one_row(connection, statement, params) is None:
        raise LeaseLost
