"""Remove a person from the archive after a request is recorded; nothing new is stored (``redaction``).

The archive is processed in small transactions, so that other writers can run in between. The person's messages stay as
empty rows, so that replies can still be followed; reaction totals stay as the platform counts them. What was sent or
last edited outside of the time of the request stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Table, Update, and_, bindparam, case, delete, null, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.absences import EVERY_TENANT
from storage.privacy.barrier import take_turn
from storage.privacy.redaction import FORGOTTEN
from storage.privacy.removal import Removal
from storage.privacy.search import (
    ABSENT_UNTIL,
    END,
    IN_WINDOW,
    IS_WITHHELD,
    TimeWindow,
    names_user,
    time_windows,
    without_user,
)
from storage.privacy.traces import empty_copies_from_elsewhere, empty_forwards_saying, empty_traces_of
from storage.sql import NOW, TENANT_ID, USER_HASH, Id, JsonObject, RowId, dump_json, json_objects
from storage.tables import attachments, channels, messages, reactions, tenants

_CHUNK = 2_000
"""How many rows a transaction changes."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A removal that is going on, with the parameters of its statements."""

    removal: Removal
    values: Mapping[str, Any]


async def sweep(db: Database, removal: Removal, *, now: datetime, window: int) -> None:
    """Remove what a request is about from the archive; after an interruption it can be run again.

    Args:
        db: the archive.
        removal: what the request is about.
        now: the time of the rows' change.
        window: how many messages a transaction searches.
    """
    scope, tenant_id = Scope(removal, removal.as_values(now)), removal.tenant_id
    while await _empty_chunk(db, scope):
        pass
    if tenant_id:
        await _empty_copies_from_elsewhere(db, scope)
    while await _delete_reactions(db, scope):
        pass
    for each in [tenant_id] if tenant_id else await _all_tenants(db):
        await _redact_channels(db, scope, each)
        async for part in time_windows(db, each, window):
            await _redact_window(db, part, scope)


async def _take_turn(connection: AsyncConnection, scope: Scope) -> Mapping[str, Any]:
    """Begin a transaction of the removal; return its parameters.

    The person may opt in meanwhile: what is said from then on is stored again, and stays. The lock on the request lets
    no end be recorded until what was found by the one before is removed.
    """
    await take_turn(connection)
    request = scope.removal.request
    if "withheld_until" not in request.c:
        return scope.values
    ending = select(request.c.withheld_until).where(scope.removal.is_request()).with_for_update(key_share=True)
    until = (await connection.execute(ending, scope.values)).scalar_one()
    return {**scope.values, "absent_until": until or END}


_COUNTED = ("messages", "attachments", "reactions", "mentions")


async def _count(connection: AsyncConnection, scope: Scope, **more: int) -> None:
    """Add to the request's counts, in the transaction that removes the rows."""
    if not any(more.values()):
        return
    request = scope.removal.request
    counts = {name: request.c[name] + bindparam(f"more_{name}", type_=Integer) for name in _COUNTED}
    counting = update(request).where(scope.removal.is_request()).values(counts).values(updated_at=NOW)
    await connection.execute(counting, {**scope.values, **{f"more_{name}": more.get(name, 0) for name in _COUNTED}})


_THEIRS = (
    select(messages.c.channel_id, messages.c.platform_id, messages.c.content)
    .where(messages.c.author_hash == USER_HASH, or_(TENANT_ID == EVERY_TENANT, messages.c.tenant_id == TENANT_ID))
    .where(IS_WITHHELD)
    .limit(_CHUNK)
)
_theirs = select(json_objects("theirs", channel_id=RowId, message_platform_id=Id()))
_DELETE_FILES = delete(attachments).where(
    tuple_(attachments.c.channel_id, attachments.c.message_platform_id).in_(_theirs)
)
_EMPTY = (
    update(messages)
    .where(tuple_(messages.c.channel_id, messages.c.platform_id).in_(_theirs))
    .values(
        author_hash=null(),
        content="",
        edited_at=null(),
        reply_to_author_hash=null(),
        metadata=bindparam("mark", type_=JsonObject),
        updated_at=NOW,
    )
)


@finish_before_cancel
async def _empty_chunk(db: Database, scope: Scope) -> bool:
    """Empty some of the person's messages, and others' copies of them; return whether there were any."""
    now, tenant_id, mark = (scope.values[name] for name in ("now", "tenant", "mark"))
    async with db.writing() as connection:
        wanted = await _take_turn(connection, scope)
        theirs = (await connection.execute(_THEIRS, wanted)).all()
        keys = [(channel, message) for channel, message, _ in theirs]
        given = [{"channel_id": channel, "message_platform_id": message} for channel, message in keys]
        values = {"theirs": dump_json(given), "mark": mark, "now": now}
        copies = await empty_forwards_saying(connection, {said for *_, said in theirs}, now, tenant_id=tenant_id)
        files = (await connection.execute(_DELETE_FILES, values)).rowcount
        emptied = (await connection.execute(_EMPTY, values)).rowcount
        copies += await empty_traces_of(connection, keys, now, tenant_id=tenant_id)
        await _count(connection, scope, messages=emptied, attachments=files, mentions=copies)
    return bool(theirs)


@finish_before_cancel
async def _empty_copies_from_elsewhere(db: Database, scope: Scope) -> None:
    async with db.writing() as connection:
        values = await _take_turn(connection, scope)
        copies = await empty_copies_from_elsewhere(connection, values)
        await _count(connection, scope, mentions=copies)


_key = reactions.primary_key.columns.values()
_chunk = (
    select(*_key)
    .join(channels, channels.c.id == reactions.c.channel_id)
    .join(
        messages,
        and_(
            messages.c.channel_id == reactions.c.channel_id,
            messages.c.platform_id == reactions.c.message_platform_id,
        ),
    )
    .where(reactions.c.user_hash == USER_HASH, or_(TENANT_ID == EVERY_TENANT, channels.c.tenant_id == TENANT_ID))
    .where(messages.c.sent_at < ABSENT_UNTIL)
    .limit(_CHUNK)
)
_DELETE_REACTIONS = delete(reactions).where(tuple_(*_key).in_(_chunk.correlate(None)))


@finish_before_cancel
async def _delete_reactions(db: Database, scope: Scope) -> int:
    async with db.writing() as connection:
        values = await _take_turn(connection, scope)
        deleted = (await connection.execute(_DELETE_REACTIONS, values)).rowcount
        await _count(connection, scope, reactions=deleted)
    return deleted


_ALL_TENANTS = select(tenants.c.id).order_by(tenants.c.id)


@finish_before_cancel
async def _all_tenants(db: Database) -> list[str]:
    async with db.reading() as connection:
        return list((await connection.execute(_ALL_TENANTS)).scalars())


def _redact(table: Table, *columns: str) -> Update:
    """Take the name out of these columns; rows without it are left alone."""
    return (
        update(table)
        .where(or_(*(names_user(table.c[name]) for name in columns)))
        .values({name: without_user(table.c[name]) for name in columns} | {"updated_at": NOW})
    )


_author = messages.c.reply_to_author_hash
_REDACT_MESSAGES = (
    update(messages)
    .where(IN_WINDOW, IS_WITHHELD)
    .where(or_(_author == USER_HASH, names_user(messages.c.content), names_user(messages.c.metadata)))
    .values(
        reply_to_author_hash=case((_author == USER_HASH, null()), else_=_author),
        content=without_user(messages.c.content),
        metadata=without_user(messages.c.metadata),
        updated_at=NOW,
    )
)
_REDACT_FILES = _redact(attachments, "filename", "url", "metadata").where(
    tuple_(attachments.c.channel_id, attachments.c.message_platform_id).in_(
        select(messages.c.channel_id, messages.c.platform_id).where(IN_WINDOW, IS_WITHHELD)
    )
)
# A thread's owner wrote its title. An owner that is the mark was erased by an earlier run.
_owner = channels.c.metadata["owner_hash"].as_string()
_is_titled = and_(channels.c.type == "thread", _owner.in_([USER_HASH, FORGOTTEN]), channels.c.name != FORGOTTEN)
_REDACT_CHANNELS = (
    update(channels)
    .where(channels.c.tenant_id == TENANT_ID)
    .where(or_(_is_titled, names_user(channels.c.name), names_user(channels.c.metadata)))
    .values(
        name=case((_is_titled, FORGOTTEN), else_=without_user(channels.c.name)),
        metadata=without_user(channels.c.metadata),
        updated_at=NOW,
    )
)
_LOCK_CHANNELS = select(tenants.c.id).where(tenants.c.id == TENANT_ID).with_for_update(key_share=True)


@finish_before_cancel
async def _redact_window(db: Database, window: TimeWindow, scope: Scope) -> None:
    """Remove a person's hash from the messages and files of a window."""
    async with db.writing() as connection:
        values = {**await _take_turn(connection, scope), **window.as_values()}
        named = (await connection.execute(_REDACT_MESSAGES, values)).rowcount
        named += (await connection.execute(_REDACT_FILES, values)).rowcount
        await _count(connection, scope, mentions=named)


@finish_before_cancel
async def _redact_channels(db: Database, scope: Scope, tenant_id: str) -> None:
    """Remove a person's hash, and the titles that they wrote, from the channels of a tenant."""
    values = {**scope.values, "tenant": tenant_id}
    async with db.writing() as connection:
        await take_turn(connection)
        await connection.execute(_LOCK_CHANNELS, values)  # as every change of a tenant's channels does
        named = (await connection.execute(_REDACT_CHANNELS, values)).rowcount
        await _count(connection, scope, mentions=named)
