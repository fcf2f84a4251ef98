"""Remove a person from the archive after the request is recorded (``requests``); nothing new is stored (``redaction``).

The archive is processed in small transactions, so that other writers can run in between. The person's messages stay as
empty rows, so that replies can still be followed; reaction totals stay as the platform counts them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Integer, Table, Update, and_, bindparam, case, delete, null, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.barrier import take_turn
from storage.privacy.redaction import EVERY_TENANT, FORGOTTEN
from storage.privacy.search import IN_WINDOW, TimeWindow, names_user, time_windows, without_user
from storage.privacy.traces import empty_copies_from_elsewhere, empty_forwards_saying, empty_traces_of
from storage.sql import NOW, TENANT_ID, USER_HASH, Id, RowId, dump_json, json_objects
from storage.tables import attachments, channels, erased_users, messages, reactions, tenants

_CHUNK = 2_000
"""How many rows a transaction changes."""


Scope: TypeAlias = Mapping[str, Any]
"""Parameters: the person (``user``), the tenant (``tenant``, empty for all) and the time of the change (``now``)."""


async def sweep(db: Database, user_hash: str, *, tenant_id: str | None, now: datetime, window: int) -> None:
    """Remove a person from the archive; after an interruption it can be run again.

    Args:
        db: the archive.
        user_hash: the person's hash, 64 hexadecimal digits.
        tenant_id: only in this tenant, known or not; None: in all.
        now: the time of the rows' change.
        window: how many messages a transaction searches.
    """
    scope = {"user": user_hash, "tenant": tenant_id or EVERY_TENANT, "now": now}
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


_COUNTED = ("messages", "attachments", "reactions", "mentions")
_COUNT = (
    update(erased_users)
    .where(erased_users.c.tenant_id == TENANT_ID, erased_users.c.user_hash == USER_HASH)
    .values({name: erased_users.c[name] + bindparam(f"more_{name}", type_=Integer) for name in _COUNTED})
    .values(updated_at=NOW)
)


async def _count(connection: AsyncConnection, scope: Scope, **more: int) -> None:
    """Add to the request's counts, in the transaction that removes the rows."""
    if any(more.values()):
        await connection.execute(_COUNT, {**scope, **{f"more_{name}": more.get(name, 0) for name in _COUNTED}})


_THEIRS = (
    select(messages.c.channel_id, messages.c.platform_id, messages.c.content)
    .where(messages.c.author_hash == USER_HASH, or_(TENANT_ID == EVERY_TENANT, messages.c.tenant_id == TENANT_ID))
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
        metadata={FORGOTTEN: True},
        updated_at=NOW,
    )
)


@finish_before_cancel
async def _empty_chunk(db: Database, scope: Scope) -> bool:
    """Empty some of the person's messages, and others' copies of them; return whether there were any."""
    now, tenant_id = scope["now"], scope["tenant"]
    async with db.writing() as connection:
        await take_turn(connection)
        theirs = (await connection.execute(_THEIRS, scope)).all()
        keys = [(channel, message) for channel, message, _ in theirs]
        given = [{"channel_id": channel, "message_platform_id": message} for channel, message in keys]
        values = {"theirs": dump_json(given), "now": now}
        copies = await empty_forwards_saying(connection, {said for *_, said in theirs}, now, tenant_id=tenant_id)
        files = (await connection.execute(_DELETE_FILES, values)).rowcount
        emptied = (await connection.execute(_EMPTY, values)).rowcount
        copies += await empty_traces_of(connection, keys, now, tenant_id=tenant_id)
        await _count(connection, scope, messages=emptied, attachments=files, mentions=copies)
    return bool(theirs)


@finish_before_cancel
async def _empty_copies_from_elsewhere(db: Database, scope: Scope) -> None:
    async with db.writing() as connection:
        await take_turn(connection)
        copies = await empty_copies_from_elsewhere(connection, scope["user"], scope["now"], tenant_id=scope["tenant"])
        await _count(connection, scope, mentions=copies)


_key = reactions.primary_key.columns.values()
_chunk = (
    select(*_key)
    .join(channels, channels.c.id == reactions.c.channel_id)
    .where(reactions.c.user_hash == USER_HASH, or_(TENANT_ID == EVERY_TENANT, channels.c.tenant_id == TENANT_ID))
    .limit(_CHUNK)
)
_DELETE_REACTIONS = delete(reactions).where(tuple_(*_key).in_(_chunk.correlate(None)))


@finish_before_cancel
async def _delete_reactions(db: Database, scope: Scope) -> int:
    async with db.writing() as connection:
        await take_turn(connection)
        deleted = (await connection.execute(_DELETE_REACTIONS, scope)).rowcount
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
    .where(IN_WINDOW)
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
        select(messages.c.channel_id, messages.c.platform_id).where(IN_WINDOW)
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
    values = {**scope, **window.as_values()}
    async with db.writing() as connection:
        await take_turn(connection)
        named = (await connection.execute(_REDACT_MESSAGES, values)).rowcount
        named += (await connection.execute(_REDACT_FILES, values)).rowcount
        await _count(connection, scope, mentions=named)


@finish_before_cancel
async def _redact_channels(db: Database, scope: Scope, tenant_id: str) -> None:
    """Remove a person's hash, and the titles that they wrote, from the channels of a tenant."""
    values = {**scope, "tenant": tenant_id}
    async with db.writing() as connection:
        await take_turn(connection)
        await connection.execute(_LOCK_CHANNELS, values)  # as every change of a tenant's channels does
        named = (await connection.execute(_REDACT_CHANNELS, values)).rowcount
        await _count(connection, scope, mentions=named)
