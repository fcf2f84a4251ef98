"""The rows that a page of messages read again changes: what was missing, what is otherwise, what is gone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, Update, and_, bindparam, func, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import Integer, Text

from adapters.records import MessageRecord
from storage.messages import (
    IN_RANGE,
    IdRange,
    PreparedMessages,
    StoredMessage,
    is_changed,
    is_edited,
    number,
    stored_messages,
    write_messages,
)
from storage.sql import INSERT, RowId, UtcDateTime, dump_json, json_elements
from storage.tables import messages, sync_progress

_NOW = bindparam("now", type_=UtcDateTime)
_CHANNEL = bindparam("channel", type_=RowId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a page is stored, and the range that it tells all of."""

    connection: AsyncConnection
    tenant_id: str
    channel_id: int
    checkpoint_id: str | None
    id_ranges: Sequence[IdRange]
    now: datetime

    async def execute(self, statements: Mapping[str, Update], **values: object) -> int:
        """How many rows a statement changed."""
        values |= {"channel": self.channel_id, "now": self.now}
        return (await self.connection.execute(statements[self.connection.dialect.name], values)).rowcount


async def store(page: Page, prepared: PreparedMessages, touched: Collection[str]) -> tuple[int, int, int]:
    """Bring a range to what is told of it, except for messages that were touched meanwhile.

    Returns:
        How many messages were missing, how many stored otherwise, how many gone and not marked so.
    """
    records = [record for _, record in prepared.rows()]
    incoming = [record for record in records if record.platform_id not in touched]
    stored = await stored_messages(page.connection, page.channel_id, [record.platform_id for record in incoming])
    missing = [record for record in incoming if record.platform_id not in stored]
    pairs = [(stored[record.platform_id], record) for record in incoming if record.platform_id in stored]
    changed = [record for old, record in pairs if is_changed(old.record, record)]
    back = [record.platform_id for old, record in pairs if old.is_deleted]
    kept = dump_json(sorted({*(record.platform_id for record in records), *touched}))
    await _lock(page, [*(record.platform_id for record in changed), *back], kept)
    await write_messages(
        page.connection, prepared.only({record.platform_id for record in (*missing, *changed)}), page.now
    )
    await _count_missing(page, missing)
    if back:
        await page.execute(_UNMARK, back=dump_json(back))
    deleted = 0
    for id_range in page.id_ranges:
        deleted += await page.execute(_MARK_ABSENT, kept=kept, **id_range.as_values())
    return len(missing), sum(_was_otherwise(old, record) for old, record in pairs), deleted


def _was_otherwise(old: StoredMessage, told: MessageRecord) -> bool:
    return old.is_deleted or is_edited(old.record, told)


_COUNT_MISSING = dict.fromkeys(
    INSERT,
    update(sync_progress)
    .where(sync_progress.c.channel_id == _CHANNEL)
    .values(messages_archived=sync_progress.c.messages_archived + bindparam("missing", type_=Integer), updated_at=_NOW),
)


async def _count_missing(page: Page, missing: Sequence[MessageRecord]) -> None:
    """Count what lies up to the checkpoint; the rest is counted when that passes over it."""
    counted = sum(number(record.platform_id) <= number(page.checkpoint_id) for record in missing)
    if counted:
        await page.execute(_COUNT_MISSING, missing=counted)


def _ids(dialect: str, parameter: str) -> Select[tuple[str]]:
    """The elements of a JSON array."""
    return select(json_elements(dialect, parameter, Text()))


def _mark_absent(dialect: str) -> Update:
    return (
        update(messages)
        .where(IN_RANGE, messages.c.deleted_at.is_(None), messages.c.platform_id.not_in(_ids(dialect, "kept")))
        .values(deleted_at=_NOW, updated_at=_NOW)
    )


def _unmark(dialect: str) -> Update:
    return (
        update(messages)
        .where(messages.c.channel_id == _CHANNEL, messages.c.deleted_at.is_not(None))
        .where(messages.c.platform_id.in_(_ids(dialect, "back")))
        .values(deleted_at=null(), updated_at=_NOW)
    )


_MARK_ABSENT = {dialect: _mark_absent(dialect) for dialect in INSERT}
_UNMARK = {dialect: _unmark(dialect) for dialect in INSERT}

# In the order in which everybody locks messages, so that nobody waits for one who waits for them.
_is_written = or_(
    messages.c.platform_id.in_(_ids("postgresql", "written")),
    and_(messages.c.deleted_at.is_(None), messages.c.platform_id.not_in(_ids("postgresql", "kept"))),
)
_LOCK = (
    select(messages.c.platform_id)
    .where(IN_RANGE, _is_written)
    .order_by(func.length(messages.c.platform_id), messages.c.platform_id)
    .with_for_update(key_share=True)
)


async def _lock(page: Page, written: Sequence[str], kept: str) -> None:
    """Lock what will be changed; SQLite has one writer."""
    if page.connection.dialect.name != "postgresql":
        return
    values = {"channel": page.channel_id, "written": dump_json(written), "kept": kept}
    for id_range in page.id_ranges:
        await page.connection.execute(_LOCK, values | id_range.as_values())
