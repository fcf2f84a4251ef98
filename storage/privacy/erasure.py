"""Forgetting one person on their wish: what is stored of them goes, and nothing of them is stored again.

The wish is recorded first, and holds from then on (see ``redactor``). Then the archive is gone through a part at a
time, so that other writers get their turn in between. Their messages stay as empty places, so that conversations can
still be walked; totals of reactions stay as the platform tells them.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    bindparam,
    delete,
    null,
    or_,
    select,
    text,
    tuple_,
    update,
)

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.redaction import EVERY_TENANT, FORGOTTEN, HASH
from storage.privacy.search import USER
from storage.privacy.time_windows import time_windows
from storage.privacy.unnaming import redact_in_channels, redact_in_window
from storage.sql import Id, RowId, UtcDateTime, dump_json, insert, json_objects
from storage.tables import attachments, channels, erased_users, messages, reactions, tenants

_CHUNK = 2_000
"""How many rows a transaction changes."""
_WINDOW = 10_000
"""How many messages a transaction looks through."""

_NOW = bindparam("now", type_=UtcDateTime)
_TENANT = bindparam("of_tenant", type_=Id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What a wish changed."""

    messages: int = 0  # of theirs, emptied
    attachments: int = 0  # of theirs, deleted
    reactions: int = 0  # of theirs, deleted
    mentions: int = 0  # others' messages and files, and channels, that named them and no longer do


async def forget_user(db: Database, user_hash: str, *, tenant_id: str | None, now: datetime) -> Erased:
    """Forget a person. Breaking it off loses nothing: calling it again goes on.

    Args:
        db: the archive.
        user_hash: who, 64 hexadecimal digits.
        tenant_id: in one tenant only, known or not; None: in all there are and will be.
        now: the time of the wish and of the rows' change.

    Raises:
        ValueError: that is no hash.
    """
    if not HASH.fullmatch(user_hash):
        raise ValueError("a person is told by 64 hexadecimal digits")
    scope = {"user": user_hash, "of_tenant": tenant_id or EVERY_TENANT, "now": now}
    await _record(db, scope)
    emptied = deleted = reacted = named = 0
    while chunk := await _empty_some(db, scope):
        emptied, deleted = emptied + chunk[0], deleted + chunk[1]
    while count := await _delete_reactions(db, scope):
        reacted += count
    for each in [tenant_id] if tenant_id else await _tenants(db):
        named += await redact_in_channels(db, {**scope, "of_tenant": each})
        async for window in time_windows(db, each, _WINDOW):
            named += await redact_in_window(db, window, scope)
    return Erased(messages=emptied, attachments=deleted, reactions=reacted, mentions=named)


_RECORD = (
    insert(erased_users)
    .values(tenant_id=_TENANT, user_hash=USER, erased_at=_NOW, created_at=_NOW, updated_at=_NOW)
    .on_conflict_do_nothing()
)
# Waits for every transaction that has read the wishes, and so may still write what this one forbids.
_WAIT = text("LOCK TABLE erased_users IN ACCESS EXCLUSIVE MODE")


@finish_before_cancel
async def _record(db: Database, scope: dict[str, object]) -> None:
    async with db.writing() as connection:
        if db.dialect == "postgresql":
            await connection.execute(_WAIT)
        await connection.execute(_RECORD, scope)


_THEIRS = (
    select(messages.c.channel_id, messages.c.platform_id)
    .where(messages.c.author_hash == USER, or_(_TENANT == EVERY_TENANT, messages.c.tenant_id == _TENANT))
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
        updated_at=_NOW,
    )
)


@finish_before_cancel
async def _empty_some(db: Database, scope: dict[str, object]) -> tuple[int, int] | None:
    """Of how many messages all was taken, and how many files with it; None where none is left."""
    async with db.writing() as connection:
        theirs = (await connection.execute(_THEIRS, scope)).all()
        if not theirs:
            return None
        keys = [{"channel_id": channel, "message_platform_id": message} for channel, message in theirs]
        values = {"theirs": dump_json(keys), "now": scope["now"]}
        files, emptied = [
            (await connection.execute(statement, values)).rowcount for statement in (_DELETE_FILES, _EMPTY)
        ]
    return emptied, files


_key = reactions.primary_key.columns.values()
_some = (
    select(*_key)
    .join(channels, channels.c.id == reactions.c.channel_id)
    .where(reactions.c.user_hash == USER, or_(_TENANT == EVERY_TENANT, channels.c.tenant_id == _TENANT))
    .limit(_CHUNK)
)
_DELETE_REACTIONS = delete(reactions).where(tuple_(*_key).in_(_some.correlate(None)))


@finish_before_cancel
async def _delete_reactions(db: Database, scope: dict[str, object]) -> int:
    async with db.writing() as connection:
        return (await connection.execute(_DELETE_REACTIONS, scope)).rowcount


_TENANTS = select(tenants.c.id).order_by(tenants.c.id)


@finish_before_cancel
async def _tenants(db: Database) -> list[str]:
    async with db.reading() as connection:
        return list((await connection.execute(_TENANTS)).scalars())
