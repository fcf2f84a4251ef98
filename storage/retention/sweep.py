"""Removing content that has had its time where it is stored, in small transactions, from the oldest message on.

How far it is is written in the transaction of each step, so that a killed process goes on where it was.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, Row, and_, bindparam, case, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy import EXPIRED, FORGOTTEN, merge_search_index, take_turn, until_known_to_all, without_words
from storage.retention.model import Retention
from storage.sql import (
    CHANNEL_ID,
    LIMIT,
    MESSAGE_PLATFORM_ID,
    NOW,
    TENANT_ID,
    Id,
    JsonObject,
    RowId,
    UtcDateTime,
    dump_json,
    json_objects,
    one_row,
)
from storage.tables import attachments, content_retention, messages

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)  # the databases tell no shorter ones apart

_state = content_retention.c
_is_it = _state.tenant_id == TENANT_ID
_since = bindparam("since", type_=UtcDateTime)
_until = bindparam("until", type_=UtcDateTime)
_IN_STEP = and_(messages.c.tenant_id == TENANT_ID, messages.c.sent_at >= _since, messages.c.sent_at < _until)

_COUNT = select(func.count()).select_from(messages).where(_IN_STEP)
_SET_LEFT = update(content_retention).where(_is_it).values(messages_left=bindparam("left", type_=Integer))


@finish_before_cancel
async def begin_sweep(db: Database, known: Retention) -> None:
    """Wait for transactions that may still store old content, and note how many messages are to be looked at."""
    await until_known_to_all(db)
    values = {"tenant": known.tenant_id, "since": known.swept_before or _BEGINNING, "until": known.content_before}
    async with db.reading() as connection:
        left: int = (await connection.execute(_COUNT, values)).scalar_one()
    async with db.writing() as connection:
        await connection.execute(_SET_LEFT, {"tenant": known.tenant_id, "left": left})


_FAR = select(_state.swept_before).where(_is_it).with_for_update()
_next = select(messages.c.sent_at).where(_IN_STEP).order_by(messages.c.sent_at).limit(LIMIT).subquery("next")
_NEXT = select(func.count().label("count"), func.max(_next.c.sent_at, type_=UtcDateTime).label("last"))
# Locked in the order of every transaction that changes messages or what hangs on them.
_ROWS = (
    select(
        messages.c.channel_id,
        messages.c.platform_id,
        messages.c.metadata,
        (messages.c.content != "").label("has_text"),
    )
    .where(_IN_STEP)
    .order_by(messages.c.channel_id, func.length(messages.c.platform_id), messages.c.platform_id)
    .with_for_update(key_share=True)
)
_EMPTY = (
    update(messages)
    .where(messages.c.channel_id == CHANNEL_ID, messages.c.platform_id == MESSAGE_PLATFORM_ID)
    .values(content="", metadata=bindparam("new_metadata", type_=JsonObject), updated_at=NOW)
)
_emptied = select(json_objects("emptied", channel_id=RowId, message_platform_id=Id()))
_DELETE_FILES = delete(attachments).where(
    tuple_(attachments.c.channel_id, attachments.c.message_platform_id).in_(_emptied)
)
_changed = bindparam("changed", type_=Integer)
_seen = bindparam("seen", type_=Integer)
_has_nothing_new = and_(_seen == 0, _state.cleaned_before.is_not_distinct_from(_state.swept_before))
_left = _state.messages_left - _seen
_MOVE = (
    update(content_retention)
    .where(_is_it)
    .values(
        swept_before=_until,
        # A message without content may have been emptied by whoever stored it again.
        cleaned_before=case((_has_nothing_new, _until), else_=_state.cleaned_before),
        swept_at=case((_state.content_before == _until, NOW), else_=_state.swept_at),
        messages_left=case((_left > 0, _left), else_=0),
        messages_emptied=_state.messages_emptied + _changed,
        updated_at=NOW,
    )
)


@finish_before_cancel
async def sweep_some(db: Database, known: Retention, now: datetime, *, limit: int = 200) -> bool:
    """Remove the content of about ``limit`` messages that have had their time; return whether there may be more.

    Args:
        db: the archive.
        known: the tenant as it was given to ``begin_sweep``. A time to which it moved on since is left to the next
            sweep: nobody has waited yet for transactions that do not know it.
        now: the time of the rows' change.
        limit: how many messages a transaction looks at; more where they were sent at one instant.
    """
    async with db.writing() as connection:
        await take_turn(connection)
        far = await one_row(connection, _FAR, {"tenant": known.tenant_id})
        until = known.content_before
        since: datetime | None = (far["swept_before"] or _BEGINNING) if far else None
        if since is None or until is None or since >= until:
            return False
        values: dict[str, Any] = {"tenant": known.tenant_id, "since": since, "until": until, "now": now}
        count, last = (await connection.execute(_NEXT, {**values, "limit": limit})).one()
        if count == limit:
            values["until"] = min(last + _INSTANT, until)
        rows = (await connection.execute(_ROWS, values)).all()
        changed = await _empty(connection, rows, now)
        await connection.execute(_MOVE, {**values, "seen": len(rows), "changed": changed})
    return bool(values["until"] < until)


async def _empty(connection: AsyncConnection, rows: Sequence[Row[Any]], now: datetime) -> int:
    """Empty those of some messages that hold content; return how many do."""
    kept = {(row.channel_id, row.platform_id): without_words(row.metadata) for row in rows if _holds_content(row)}
    if not kept:
        return 0
    keys = [{"channel_id": channel, "message_platform_id": message} for channel, message in kept]
    await connection.execute(_DELETE_FILES, {"emptied": dump_json(keys)})
    parameters = [
        {"channel": channel, "message": message, "new_metadata": dict(metadata), "now": now}
        for (channel, message), metadata in kept.items()
    ]
    await connection.execute(_EMPTY, parameters)
    return len(kept)


def _holds_content(row: Row[Any]) -> bool:
    """Whether a message was stored before its content had had its time; one that an erasure emptied holds none."""
    return row.has_text or not (EXPIRED in row.metadata or FORGOTTEN in row.metadata)


_CLEANED = (
    update(content_retention)
    .where(_is_it, _state.cleaned_before.is_distinct_from(_until))
    .values(cleaned_before=_until, updated_at=NOW)
)


async def clean(db: Database, swept: Sequence[Retention], now: datetime) -> bool:
    """Remove from the files of a SQLite archive what was removed from the rows; on PostgreSQL there is nothing to do.

    Args:
        db: the archive.
        swept: tenants as they were listed after their sweeps.
        now: the time of the rows' change.

    Returns:
        False while a reader of the file keeps its log from being emptied. Call again then.
    """
    await merge_search_index(db)
    if not await db.empty_log():
        return False
    await _note_clean(db, swept, now)
    return True


@finish_before_cancel
async def _note_clean(db: Database, swept: Sequence[Retention], now: datetime) -> None:
    async with db.writing() as connection:
        for each in swept:
            await connection.execute(_CLEANED, {"tenant": each.tenant_id, "until": each.swept_before, "now": now})
