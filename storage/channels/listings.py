"""Which threads the platform's listings contain, and how far an interrupted listing of threads came."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import bindparam, case, null, or_, select, update
from sqlalchemy.types import Boolean

from storage.channels.skip import lock_channels
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.sql import CHANNEL_ID, CHANNEL_PLATFORM_ID, NOW, TENANT_ID, UtcDateTime, dump_json, json_strings
from storage.tables import channels

_AFTER, _BEFORE = bindparam("archived_after", type_=UtcDateTime), bindparam("archived_before", type_=UtcDateTime)
_ARCHIVED = (
    select(channels.c.platform_id)
    .where(channels.c.parent_id == CHANNEL_ID, channels.c.skip_reason.is_(None), channels.c.type == "thread")
    .where(channels.c.archived_at.is_not(None))
)


@finish_before_cancel
async def archived_threads(
    db: Database, parent_id: int, *, after: datetime | None, before: datetime | None
) -> set[str]:
    """List a channel's (``channels.id``) stored threads that are not skipped and were archived between two times."""
    query = _ARCHIVED if after is None else _ARCHIVED.where(channels.c.archived_at > _AFTER)
    query = query if before is None else query.where(channels.c.archived_at < _BEFORE)
    values = {"channel": parent_id, "archived_after": after, "archived_before": before}
    async with db.reading() as connection:
        return set((await connection.execute(query, values)).scalars())


_IS_AMONG = channels.c.platform_id.in_(select(json_strings("found")))
_LISTED = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, _IS_AMONG)
    .where(or_(channels.c.looked_up_at.is_not(None), channels.c.unlisted_since.is_not(None)))
    .values(unlisted_since=null(), looked_up_at=null(), updated_at=NOW)
)
_UNLISTED = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.unlisted_since.is_(None), _IS_AMONG)
    .values(unlisted_since=NOW, updated_at=NOW)
)
_LOOKED_UP = (
    update(channels)
    .where(channels.c.id == CHANNEL_ID)
    .values(
        unlisted_since=case(
            (or_(channels.c.unlisted_since.is_(None), bindparam("has_changed", type_=Boolean)), NOW),
            else_=channels.c.unlisted_since,
        ),
        looked_up_at=NOW,
        updated_at=NOW,
    )
)


@finish_before_cancel
async def note_unlisted(db: Database, tenant_id: str, platform_ids: Collection[str], now: datetime) -> None:
    """Record that a tenant's threads are missing from a page that should have held them.

    Called before the page is stored with its cursor, so that an interrupted sync does not forget to look them up.
    """
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await connection.execute(_UNLISTED, {"tenant": tenant_id, "found": dump_json(sorted(platform_ids)), "now": now})


@finish_before_cancel
async def note_listed(db: Database, tenant_id: str, platform_ids: Collection[str], now: datetime) -> None:
    """Clear the lookups of a tenant's threads: a listing contains them again."""
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await connection.execute(_LISTED, {"tenant": tenant_id, "found": dump_json(sorted(platform_ids)), "now": now})


@finish_before_cancel
async def note_lookup(db: Database, tenant_id: str, channel_id: int, *, has_changed: bool, now: datetime) -> None:
    """Record that a thread missing from all listings was requested by itself, and whether it had changed."""
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await connection.execute(_LOOKED_UP, {"channel": channel_id, "has_changed": has_changed, "now": now})


_KEEP = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == CHANNEL_PLATFORM_ID)
    .values(threads_listed_at=bindparam("listed_at", type_=UtcDateTime), updated_at=NOW)
)
_FORGET = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.threads_listed_at.is_not(None))
    .values(threads_listed_at=null())
)


@finish_before_cancel
async def keep_listings(
    db: Database, tenant_id: str, listed_at: Mapping[str, datetime], *, job: JobLease, now: datetime
) -> None:
    """Record when an interrupted sync listed each channel's archived threads, so that the next sync need not repeat it.

    Args:
        db: the archive.
        tenant_id: ours.
        listed_at: when the listing of a channel's threads began, by the channel's id of the platform.
        job: the lease of the sync's job.
        now: the time of the rows' change.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    rows = [{"tenant": tenant_id, "channel_platform": i, "listed_at": at, "now": now} for i, at in listed_at.items()]
    if not rows:
        return
    async with db.writing() as connection:
        await require_lease(connection, job)
        await lock_channels(connection, tenant_id)
        await connection.execute(_KEEP, rows)


@finish_before_cancel
async def forget_listings(db: Database, tenant_id: str) -> None:
    """Clear the times of ``keep_listings`` after a complete sync, so that the next one lists all archived threads."""
    async with db.writing() as connection:
        await lock_channels(connection, tenant_id)
        await connection.execute(_FORGET, {"tenant": tenant_id})
