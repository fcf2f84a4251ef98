"""Bringing the archive to what a page of messages read again says, in one transaction with the cursor."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.types import Integer

from adapters.records import MessageRecord
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.messages import number, prepare, split_by_length
from storage.repair.model import Repair, RepairKind
from storage.repair.page_rows import Page, store
from storage.repair.refetch import add_refetches
from storage.sql import Id, RowId, UtcDateTime, one_row
from storage.tables import channels, refetch_ranges, sync_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class PageOutcome:
    """What a page said of the archive, in messages, and what is left of the range."""

    seen: int = 0  # that the platform has
    missing: int = 0  # that were not stored
    changed: int = 0  # that were stored otherwise
    deleted: int = 0  # that the platform has no longer, and that were not marked so
    left: Repair | None = None


_NOW = bindparam("now", type_=UtcDateTime)

# The row stays locked until the commit, so that nobody widens the range in between.
_PLACE = (
    select(channels.c.tenant_id, sync_progress.c.last_message_platform_id.label("checkpoint_id"))
    .select_from(
        refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id).outerjoin(
            sync_progress, sync_progress.c.channel_id == channels.c.id
        )
    )
    .where(refetch_ranges.c.id == bindparam("repair", type_=RowId))
    .with_for_update(of=refetch_ranges)
)


@finish_before_cancel
async def save_page(
    db: Database,
    repair: Repair,
    messages: Sequence[MessageRecord],
    *,
    reached: str,
    touched: Collection[str],
    job: JobLease,
    now: datetime,
) -> PageOutcome:
    """Make a range the same as on the platform, as far as a page tells, and move its cursor there.

    A stored message that is absent is marked as deleted, one that is there again no longer. What is not stored is
    added, what is otherwise is brought up to date, and what does not change is not written. The checkpoint stays.

    Args:
        db: the archive.
        repair: as ``pending`` told it, or as the page before left it. Where it has vanished, nothing is written.
        messages: all that the platform has behind ``repair.after_platform_id`` up to ``reached``.
        reached: how far the page goes; ``repair.until_platform_id`` at the furthest.
        touched: messages that the platform told of while the page was under way, which may be older or newer than
            what it told. They are left alone and looked at again.
        job: the lease of the job that does it.
        now: the time of the rows' change.

    Returns:
        What was found. Nothing is left of a range that was read to its end; an audit's row then waits for
        ``finish_audit``, the others' are deleted.

    Raises:
        LeaseLost: the job is another's; nothing was written.
    """
    async with db.writing() as connection:
        await require_lease(connection, job)
        place = await one_row(connection, _PLACE, {"repair": repair.id})
        if place is None:
            return PageOutcome()
        page = Page(
            connection=connection,
            tenant_id=place["tenant_id"],
            channel_id=repair.channel_id,
            checkpoint_id=place["checkpoint_id"],
            id_ranges=tuple(split_by_length(repair.after_platform_id, reached)),
            now=now,
        )
        prepared = await prepare(connection, {(page.tenant_id, page.channel_id): messages})
        missing, changed, deleted = await store(page, prepared, touched)
        found = PageOutcome(seen=len(list(prepared.rows())), missing=missing, changed=changed, deleted=deleted)
        found = replace(found, left=await _move(page, repair, reached, found))
        lowest, highest = number(repair.after_platform_id), number(reached)
        within = [message_id for message_id in touched if lowest < number(message_id) <= highest]
        await add_refetches(connection, [(repair.channel_id, message_id) for message_id in within], now)
    return found


_DELETE = delete(refetch_ranges).where(refetch_ranges.c.id == bindparam("repair", type_=RowId))
_FOUND = ("seen", "missing", "changed", "deleted")
_MOVE = (
    update(refetch_ranges)
    .where(refetch_ranges.c.id == bindparam("repair", type_=RowId))
    .values(
        after_platform_id=bindparam("reached", type_=Id),
        updated_at=_NOW,
        **{name: refetch_ranges.c[name] + bindparam(f"{name}_now", type_=Integer) for name in _FOUND},
    )
)


async def _move(page: Page, repair: Repair, reached: str, found: PageOutcome) -> Repair | None:
    """Move the cursor; what is left behind it."""
    is_read = number(reached) >= number(repair.until_platform_id)
    if is_read and repair.kind is not RepairKind.AUDIT:
        await page.connection.execute(_DELETE, {"repair": repair.id})
        return None
    counts = {f"{name}_now": getattr(found, name) for name in _FOUND}
    await page.connection.execute(_MOVE, {"repair": repair.id, "reached": reached, "now": page.now, **counts})
    return None if is_read else replace(repair, after_platform_id=reached)
