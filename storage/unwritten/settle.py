"""Resolve entries by what reading their messages showed, by the platform's word, or because they matter no longer."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Update, and_, bindparam, exists, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Text

from storage.messages import MessageRef, add_refetches
from storage.reactions import refetch_users
from storage.sql import LIMIT, NOW, TENANT_ID, Id, RowId, UtcDateTime, dump_json, json_objects
from storage.tables import IS_UNRESOLVED, channels, refetch_ranges, tenants, unwritten_events
from storage.unwritten.model import EventKind, OpenEntry, Reason, Resolution

_AGAIN = timedelta(days=1)
"""How long after a message failed again it is read once more: a request a day at most."""

_MOST_AT_ONCE = 5_000
_OF_REACTIONS = (EventKind.REACTIONS, EventKind.UNKNOWN)


def _resolve(resolution: Resolution) -> Update:
    return (
        update(unwritten_events)
        .where(IS_UNRESOLVED)
        .values(resolved_at=NOW, resolution=resolution.value, updated_at=NOW)
    )


# What has failed since it was looked up has another number of tries.
_seen = json_objects("seen", id=RowId, tries=Integer())
_IS_SEEN = tuple_(unwritten_events.c.id, unwritten_events.c.tries).in_(select(_seen))
_READ = {resolution: _resolve(resolution).where(_IS_SEEN) for resolution in (Resolution.STORED, Resolution.GONE)}
_FAILED_AGAIN = (
    update(unwritten_events)
    .where(IS_UNRESOLVED, _IS_SEEN)
    .values(
        tries=unwritten_events.c.tries + 1,
        code=bindparam("new_code", type_=Text),
        reason=bindparam("new_reason", type_=Text),
        last_at=NOW,
        updated_at=NOW,
    )
)


async def settle_read(
    connection: AsyncConnection,
    channel_id: int,
    entries: Iterable[OpenEntry],
    *,
    shown: Collection[str],
    failed: Mapping[str, Reason],
    now: datetime,
) -> None:
    """Settle entries whose messages were read, in the transaction that stores what was read.

    Args:
        connection: of the transaction.
        channel_id: ``channels.id``.
        entries: looked up before the messages were requested, and all of the range that was read.
        shown: the messages that the platform has; each other one is gone.
        failed: those of them that could not be stored as they are, and why; their entries stay open.
        now: the time of the rows' change.
    """
    read: dict[Resolution | Reason, list[OpenEntry]] = {}
    for entry in entries:
        message_id = entry.message_platform_id
        outcome = failed.get(message_id) or (Resolution.STORED if message_id in shown else Resolution.GONE)
        read.setdefault(outcome, []).append(entry)
    for outcome, some in read.items():
        values = {"seen": _as_seen(some), "now": now}
        if isinstance(outcome, Reason):
            values |= {"new_code": outcome.code, "new_reason": outcome.sentence}
            await connection.execute(_FAILED_AGAIN, values)
        else:
            await connection.execute(_READ[outcome], values)
    # A page shows how many reacted, and that may be as many as before: who did has to be fetched.
    doubted = {e.message_platform_id for e in read.get(Resolution.STORED, ()) if e.kind in _OF_REACTIONS}
    await refetch_users(connection, channel_id, doubted, now)


def _as_seen(entries: Sequence[OpenEntry]) -> str:
    return dump_json([{"id": entry.id, "tries": entry.tries} for entry in entries])


_ref = json_objects("refs", tenant_id=Id(), channel=Id(), message=Id())
_named = select(channels.c.id, _ref.c.message).select_from(
    _ref.join(channels, and_(channels.c.tenant_id == _ref.c.tenant_id, channels.c.platform_id == _ref.c.channel))
)
_DELETED = _resolve(Resolution.GONE).where(
    tuple_(unwritten_events.c.channel_id, unwritten_events.c.message_platform_id).in_(_named)
)


async def settle_deleted(connection: AsyncConnection, refs: Iterable[MessageRef], now: datetime) -> None:
    """Resolve the entries of messages that were deleted, by the platform's word."""
    if rows := [{"tenant_id": tenant, "channel": channel, "message": message} for tenant, channel, message in refs]:
        await connection.execute(_DELETED, {"refs": dump_json(rows), "now": now})


_IS_OF_TENANT = unwritten_events.c.tenant_id == TENANT_ID
_skipped = select(channels.c.id).where(channels.c.tenant_id == TENANT_ID, channels.c.skip_reason.is_not(None))
_stopped = exists().where(tenants.c.id == TENANT_ID, tenants.c.stopped_at.is_not(None))
_EXCLUDED = _resolve(Resolution.EXCLUDED).where(
    _IS_OF_TENANT, or_(unwritten_events.c.channel_id.in_(_skipped), _stopped)
)


async def settle_excluded(connection: AsyncConnection, tenant_id: str, now: datetime) -> None:
    """Resolve a tenant's entries in channels that are not archived any more, or all of them where it is stopped.

    The marks that have their messages read again stay: they count once a channel, or the tenant, is read again.
    """
    await connection.execute(_EXCLUDED, {"tenant": tenant_id, "now": now})


IS_OPEN_IN_TENANT = exists().where(_IS_OF_TENANT, IS_UNRESOLVED)
"""Whether a tenant has open entries."""

_is_marked = (
    select(refetch_ranges.c.id)
    .where(refetch_ranges.c.channel_id == unwritten_events.c.channel_id, refetch_ranges.c.kind == "refetch")
    .where(refetch_ranges.c.until_platform_id == unwritten_events.c.message_platform_id)
    .exists()
)
_DUE = (
    select(channels.c.tenant_id, channels.c.platform_id, unwritten_events.c.message_platform_id)
    .join_from(unwritten_events, channels, channels.c.id == unwritten_events.c.channel_id)
    .where(_IS_OF_TENANT, IS_UNRESOLVED, channels.c.skip_reason.is_(None), ~_is_marked)
    .where(or_(unwritten_events.c.tries == 1, unwritten_events.c.last_at < bindparam("before", type_=UtcDateTime)))
    .order_by(unwritten_events.c.id)
    .limit(LIMIT)
)


async def plan_entries(connection: AsyncConnection, tenant_id: str, now: datetime) -> int:
    """Have the messages of a tenant's open entries read again that nothing else has read, each once a day at most.

    Returns:
        How many.
    """
    values = {"tenant": tenant_id, "before": now - _AGAIN, "limit": _MOST_AT_ONCE}
    due = {tuple(row) for row in (await connection.execute(_DUE, values)).all()}
    await add_refetches(connection, due, now)
    await settle_excluded(connection, tenant_id, now)
    return len(due)
