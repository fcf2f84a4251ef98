"""Making the archive what a page of messages read again says, in one transaction with the range's cursor."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Executable, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer

from adapters.ids import number
from adapters.records import MessageRecord
from storage.channels import forget_absent, require_archived
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.jobs import JobLease, require_lease
from storage.messages import (
    Changed,
    IdRange,
    PreparedMessages,
    StoredMessage,
    add_refetches,
    apart_where_refused,
    is_changed,
    is_edited,
    is_withheld,
    mark_answers_to_deleted,
    prepare,
    split_by_length,
    stored_messages,
    unmark_rows_deleted,
    write_messages,
    write_users_along,
)
from storage.repair.absent import lock_range, mark_absent
from storage.repair.model import PageOutcome, RefetchKind, RefetchRange
from storage.sql import CHANNEL_ID, NOW, RANGE_ID, Id, one_row
from storage.tables import channels, refetch_ranges, sync_progress
from storage.unwritten import WITHHELD, OpenEntry, entries_within, reason_of, settle_read


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Where a page is stored, and the range that it holds all of."""

    connection: AsyncConnection
    tenant_id: str
    channel_id: int
    checkpoint_id: str | None
    id_ranges: Sequence[IdRange]
    entries: Sequence[OpenEntry]
    requested_at: datetime
    visible_since: datetime | None
    now: datetime

    async def execute(self, statement: Executable, **values: object) -> int:
        """Run a statement. Returns how many rows it changed."""
        values |= {"channel": self.channel_id, "now": self.now}
        return (await self.connection.execute(statement, values)).rowcount


# The row stays locked until the commit, so that nobody widens the range in between.
_CONTEXT = (
    select(
        channels.c.tenant_id,
        sync_progress.c.last_message_platform_id.label("checkpoint_id"),
        sync_progress.c.set_aside.is_not(None).label("has_set_aside"),
    )
    .select_from(
        refetch_ranges.join(channels, channels.c.id == refetch_ranges.c.channel_id).outerjoin(
            sync_progress, sync_progress.c.channel_id == channels.c.id
        )
    )
    .where(refetch_ranges.c.id == RANGE_ID)
    .with_for_update(of=refetch_ranges)
)


@finish_before_cancel
@apart_where_refused
async def reconcile_page(
    db: Database,
    planned: RefetchRange,
    messages: Sequence[MessageRecord],
    *,
    reached: str,
    changed_meanwhile: Collection[str],
    job: JobLease,
    now: datetime,
    requested_at: datetime | None = None,
    visible_since: datetime | None = None,
    changed: Changed = tuple,
    entries: Sequence[OpenEntry] = (),
) -> PageOutcome:
    """Make a range equal to the platform's, as far as a page reaches, and move the range's cursor there.

    Stored messages that are absent from the page are marked as deleted, and marks of those present are removed. Missing
    ones are added, changed ones updated, and equal ones not written. The checkpoint stays.

    Args:
        db: the archive.
        planned: as ``pending_ranges`` listed it, or as the page before left it. Where it no longer exists, nothing is
            written.
        messages: all that the platform has beyond ``planned.after_platform_id`` up to ``reached``.
        reached: how far the page is complete; ``planned.until_platform_id`` at most.
        changed_meanwhile: messages with events during the request, which may be older or newer than the page. They are
            left alone and fetched again.
        job: the lease of the job that fetched the page.
        now: the time of the rows' change.
        requested_at: when the page was requested; deletion marks set since then stay.
        visible_since: from when on the platform shows messages: nothing older is taken for deleted. None: it shows all.
        changed: gives messages to be refetched: events named them while the page was on its way.
        entries: ``open_entries`` of the channel before the page was requested; those of the range are settled.

    Returns:
        What was found. Where the range was read to its end nothing is left of it: an audit's row waits for
        ``finish_audit``, others are deleted.

    Raises:
        LeaseLost: the lease is another worker's; nothing was written.
        ChannelSkipped: the channel is no longer archived; nothing was written.
    """
    async with db.writing() as connection:
        await require_lease(connection, job)
        context = await one_row(connection, _CONTEXT, {"range": planned.id})
        if context is None:
            return PageOutcome()
        lowest, highest = number(planned.after_platform_id), number(reached)
        page = _Page(
            connection=connection,
            tenant_id=context["tenant_id"],
            channel_id=planned.channel_id,
            checkpoint_id=context["checkpoint_id"],
            id_ranges=tuple(split_by_length(planned.after_platform_id, reached)),
            entries=entries_within(entries, lowest, highest),
            requested_at=requested_at or now,
            visible_since=visible_since,
            now=now,
        )
        prepared = await prepare(connection, {(page.tenant_id, page.channel_id): messages})
        found = await _reconcile(page, prepared, changed_meanwhile)
        await mark_answers_to_deleted(connection, page.channel_id, [record for _, record in prepared.rows()], now)
        found = replace(found, left=await _move_cursor(page, planned, reached, found))
        if context["has_set_aside"] and visible_since is None:
            shown = {*(record.platform_id for _, record in prepared.rows()), *changed_meanwhile}
            await forget_absent(connection, page.channel_id, shown, after=lowest, until=highest, now=now)
        again = [message_id for message_id in changed_meanwhile if lowest < number(message_id) <= highest]
        channel = planned.channel_platform_id
        await add_refetches(connection, [(page.tenant_id, channel, message_id) for message_id in again], now)
        await require_archived(connection, page.channel_id)
        await add_refetches(connection, changed(), now)
    return found


async def _reconcile(page: _Page, prepared: PreparedMessages, left_alone: Collection[str]) -> PageOutcome:
    """Update a range by a page's records, except for the messages that are left alone."""
    records = [record for _, record in prepared.rows()]
    incoming = [record for record in records if record.platform_id not in left_alone]
    stored = await stored_messages(page.connection, page.channel_id, [record.platform_id for record in incoming])
    missing = [record for record in incoming if record.platform_id not in stored]
    pairs = [(stored[record.platform_id], record) for record in incoming if record.platform_id in stored]
    # A withheld message exists, and nothing more is known of it: its stored content stays.
    failed = {record.platform_id: WITHHELD for old, record in pairs if is_withheld(old.record, record)}
    pairs = [(old, record) for old, record in pairs if record.platform_id not in failed]
    changed = [record for old, record in pairs if is_changed(old.record, record)]
    back = [message_id for message_id, old in stored.items() if old.is_deleted]
    shown = {*(record.platform_id for record in records), *left_alone}
    kept, entries = sorted(shown), [e for e in page.entries if e.message_platform_id not in left_alone]
    if page.visible_since is not None:  # what is absent may be hidden
        entries = [entry for entry in entries if entry.message_platform_id in shown]
    await lock_range(
        page.connection,
        page.channel_id,
        page.id_ranges,
        written=[*(r.platform_id for r in changed), *back, *(e.message_platform_id for e in entries)],
        kept=kept,
        visible_since=page.visible_since,
    )
    written = {record.platform_id for record in (*missing, *changed)}
    errors = await write_messages(page.connection, prepared.only(written), page.now)
    unwritten = prepared.only({record.platform_id for _, record in pairs} - written)
    await write_users_along(page.connection, unwritten.rows(), page.now)  # others may be behind as many reactions
    refused = frozenset(message_id for _, message_id in errors)
    failed |= {message_id: reason_of(error) for (_, message_id), error in errors.items()}
    await settle_read(page.connection, page.channel_id, entries, shown=shown, failed=failed, now=page.now)
    missing = [record for record in missing if record.platform_id not in refused]
    pairs = [(old, record) for old, record in pairs if record.platform_id not in refused]
    await _count_missing(page, missing)
    await unmark_rows_deleted(
        page.connection, [(page.channel_id, i) for i in back], before=page.requested_at, now=page.now
    )
    deleted = await mark_absent(
        page.connection, page.channel_id, page.id_ranges, kept=kept, visible_since=page.visible_since, now=page.now
    )
    return PageOutcome(
        seen=len(records),
        missing=len(missing),
        changed=sum(_was_otherwise(old, record) for old, record in pairs),
        deleted=deleted,
        set_aside=refused,
    )


def _was_otherwise(old: StoredMessage, new: MessageRecord) -> bool:
    return old.is_deleted or is_edited(old.record, new)


_COUNT_MISSING = (
    update(sync_progress)
    .where(sync_progress.c.channel_id == CHANNEL_ID)
    .values(messages_archived=sync_progress.c.messages_archived + bindparam("missing", type_=Integer), updated_at=NOW)
)


async def _count_missing(page: _Page, missing: Sequence[MessageRecord]) -> None:
    """Count what lies up to the checkpoint; the rest is counted when that passes over it."""
    counted = sum(number(record.platform_id) <= number(page.checkpoint_id) for record in missing)
    if counted:
        await page.execute(_COUNT_MISSING, missing=counted)


_DELETE = delete(refetch_ranges).where(refetch_ranges.c.id == RANGE_ID)
_FOUND = ("seen", "missing", "changed", "deleted")
_MOVE = (
    update(refetch_ranges)
    .where(refetch_ranges.c.id == RANGE_ID)
    .values(
        after_platform_id=bindparam("reached", type_=Id),
        updated_at=NOW,
        **{name: refetch_ranges.c[name] + bindparam(f"{name}_now", type_=Integer) for name in _FOUND},
    )
)


async def _move_cursor(page: _Page, planned: RefetchRange, reached: str, found: PageOutcome) -> RefetchRange | None:
    """Move the cursor of a range, or delete it at its end. Returns what is left of it."""
    is_read = number(reached) >= number(planned.until_platform_id)
    if is_read and planned.kind is not RefetchKind.AUDIT:
        await page.connection.execute(_DELETE, {"range": planned.id})
        return None
    counts = {f"{name}_now": getattr(found, name) for name in _FOUND}
    await page.connection.execute(_MOVE, {"range": planned.id, "reached": reached, "now": page.now, **counts})
    return None if is_read else replace(planned, after_platform_id=reached)
