"""Which channels are not read, why, and since when.

A channel's own skip reason is what the platform reported of it. A thread without one inherits its parent's, and is not
read where the parent is unknown.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, case, false, func, literal_column, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Text

from adapters.records import SkipReason
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import ChannelSkipped
from storage.sql import CHANNEL_ID, CHANNEL_PLATFORM_ID, NOW, TENANT_ID, differs, dump_json, json_strings
from storage.tables import channels, sync_progress, tenants

_REASON = bindparam("reason", type_=Text)

_LOCK = select(tenants.c.id, tenants.c.stopped_at).where(tenants.c.id == TENANT_ID).with_for_update(key_share=True)


async def lock_channels(connection: AsyncConnection, tenant_id: str) -> bool:
    """Let one transaction at a time change a tenant's channels, or two would wait for each other's rows.

    Rows that only refer to the tenant can be written meanwhile.

    Returns:
        Whether there is such a tenant that is not stopped.
    """
    tenant = (await connection.execute(_LOCK, {"tenant": tenant_id})).one_or_none()
    return tenant is not None and tenant.stopped_at is None


def state_of(reason: ColumnElement[Any]) -> ColumnElement[str]:
    """Say whether a channel is archived or skipped."""
    return case((reason.is_(None), literal_column("'archived'", Text)), else_=literal_column("'skipped'", Text))


def since(reason: ColumnElement[Any], now: ColumnElement[Any]) -> ColumnElement[Any]:
    """Keep the stored time while the reason stays the same; now when it changes, null without one."""
    return case(
        (reason.is_(None), None),
        (channels.c.skip_reason == reason, channels.c.skipped_since),
        else_=now,
    )


def unmonitored_since(reason: ColumnElement[Any], now: ColumnElement[Any]) -> ColumnElement[Any]:
    """Set the time when a channel becomes skipped, unless an earlier one is set; showing it again keeps it."""
    becomes_skipped = and_(
        channels.c.skip_reason.is_(None), reason.is_not(None), channels.c.unmonitored_since.is_(None)
    )
    return case((becomes_skipped, now), else_=channels.c.unmonitored_since)


_MARK_SKIPPED = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == CHANNEL_PLATFORM_ID)
    .where(differs([(channels.c.own_skip_reason, _REASON), (channels.c.skip_reason, _REASON)]))
    .values(
        sync_state="skipped",
        skip_reason=_REASON,
        own_skip_reason=_REASON,
        skipped_since=since(_REASON, NOW),
        unmonitored_since=unmonitored_since(_REASON, NOW),
        hidden_at=NOW,
        updated_at=NOW,
    )
)


@finish_before_cancel
async def mark_skipped(
    db: Database, tenant_id: str, platform_ids: Sequence[str], reason: SkipReason, now: datetime
) -> None:
    """Stop archiving channels and the threads in them, until a listing that begins after ``now`` contains them again.

    Their messages are kept.
    """
    rows = [{"tenant": tenant_id, "channel_platform": i, "reason": reason.value, "now": now} for i in platform_ids]
    if not rows:
        return
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await connection.execute(_MARK_SKIPPED, rows)
        await let_threads_follow(connection, tenant_id, platform_ids, now)


_NOT_LATER = (
    update(channels)
    .where(channels.c.hidden_at > NOW, channels.c.skip_reason.is_not(None))
    .values(hidden_at=NOW, updated_at=NOW)
)


@finish_before_cancel
async def bound_hidings(db: Database, now: datetime) -> None:
    """Set times of hiding that lie in the future to now; else no listing could show those channels again.

    Such times are left by a clock that was ahead.
    """
    async with db.writing() as connection:
        await connection.execute(_NOT_LATER, {"now": now})


# Locked until the commit, so that no transaction can hide the channel in between; batches share the lock.
_ARCHIVED = (
    select(channels.c.id)
    .where(channels.c.id == CHANNEL_ID, channels.c.skip_reason.is_(None))
    .with_for_update(read=True, of=channels)
)


async def require_archived(connection: AsyncConnection, channel_id: int) -> None:
    """Check that a channel is archived and keep it so until the transaction ends; called after the rows are written.

    Raises:
        ChannelSkipped: it is skipped, so that the data may be private; the transaction must not be committed.
    """
    if (await connection.execute(_ARCHIVED, {"channel": channel_id})).first() is None:
        raise ChannelSkipped


# An event described it before a listing had its channel, so that it is skipped without a reason of its own.
HAS_UNKNOWN_PARENT = and_(
    channels.c.type == "thread", channels.c.parent_id.is_(None), channels.c.own_skip_reason.is_(None)
)

_parent = channels.alias("parent")
_inherited = func.coalesce(channels.c.own_skip_reason, _parent.c.skip_reason)

_follow = (
    update(channels)
    .where(channels.c.type == "thread", _parent.c.id == channels.c.parent_id)
    .where(channels.c.skip_reason.is_distinct_from(_inherited))
    .values(
        sync_state=state_of(_inherited),
        skip_reason=_inherited,
        skipped_since=since(_inherited, NOW),
        unmonitored_since=unmonitored_since(_inherited, NOW),
        updated_at=NOW,
    )
)
_FOLLOW_PARENTS = _follow.where(channels.c.tenant_id == TENANT_ID)
_named = channels.alias("named")
_given = select(_named.c.id).where(
    _named.c.tenant_id == TENANT_ID, _named.c.platform_id.in_(select(json_strings("parents")))
)
_FOLLOW_NAMED = _follow.where(channels.c.parent_id.in_(_given))

# What is sent in a channel while it is skipped has no event, so it is to be read when it is shown again.
_reopen = update(sync_progress).where(sync_progress.c.is_read_to_end).values(is_read_to_end=false(), updated_at=NOW)
_skipped = select(channels.c.id).where(channels.c.skip_reason.is_not(None))
_may_return = and_(
    channels.c.tenant_id == TENANT_ID, channels.c.unmonitored_since.is_not(None), channels.c.skip_reason != "deleted"
)
_skipped_given = union_all(  # each by an index of its own
    _skipped.where(channels.c.id.in_(_given)), _skipped.where(channels.c.parent_id.in_(_given))
)
_REOPEN_SKIPPED = _reopen.where(sync_progress.c.channel_id.in_(_skipped.where(_may_return)))
_REOPEN_GIVEN = _reopen.where(sync_progress.c.channel_id.in_(_skipped_given))


async def reopen_skipped(
    connection: AsyncConnection, tenant_id: str, platform_ids: Iterable[str], now: datetime
) -> None:
    """Mark those of these channels and their threads that are skipped as not read to their ends."""
    values = {"tenant": tenant_id, "parents": dump_json(list(platform_ids)), "now": now}
    await connection.execute(_REOPEN_GIVEN, values)


@finish_before_cancel
async def follow_parents(db: Database, tenant_id: str, now: datetime) -> None:
    """Let threads that no listing shows share what became of their parent.

    One that has a reason of its own (deleted, private) keeps it; the others are read exactly while their parent is.
    """
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await connection.execute(_FOLLOW_PARENTS, {"tenant": tenant_id, "now": now})
        await connection.execute(_REOPEN_SKIPPED, {"tenant": tenant_id, "now": now})


async def let_threads_follow(
    connection: AsyncConnection, tenant_id: str, parents: Iterable[str], now: datetime
) -> None:
    """Recompute the skip reasons of the threads of these channels; the tenant's channels must be locked.

    Args:
        connection: the transaction.
        tenant_id: ours.
        parents: the platform ids of the channels.
        now: the time of the rows' change.
    """
    named = list(parents)
    await connection.execute(_FOLLOW_NAMED, {"tenant": tenant_id, "parents": dump_json(named), "now": now})
    await reopen_skipped(connection, tenant_id, named, now)
