"""Erasing one person on their wish: what is stored of them goes, and nothing of them is stored again.

The wish is recorded first, and holds from then on (see ``redaction``). Then the archive is gone through a part at a
time, so that other writers get their turn in between. Their messages stay as empty places, so that conversations can
still be walked; totals of reactions stay as the platform counts them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, Update, case, delete, null, or_, select, text, tuple_, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.redaction import EVERY_TENANT, FORGOTTEN, require_hash
from storage.privacy.search import IN_WINDOW, TimeWindow, names_user, time_windows, without_user
from storage.sql import NOW, TENANT_ID, USER_HASH, Id, RowId, dump_json, insert, json_objects
from storage.tables import attachments, channels, erased_users, messages, reactions, tenants

_CHUNK = 2_000
"""How many rows a transaction changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many rows an erasure changed."""

    messages: int = 0  # of theirs, emptied
    attachments: int = 0  # of theirs, deleted
    reactions: int = 0  # of theirs, deleted
    mentions: int = 0  # others' messages and files, and channels, that named them and no longer do


async def erase_user(
    db: Database, user_hash: str, *, tenant_id: str | None, now: datetime, window: int = 10_000
) -> Erased:
    """Erase a person. Breaking it off loses nothing: calling it again goes on.

    Args:
        db: the archive.
        user_hash: who, 64 hexadecimal digits.
        tenant_id: in one tenant only, known or not; None: in all there are and will be.
        now: the time of the wish and of the rows' change.
        window: how many messages a transaction looks through.

    Raises:
        ValueError: that is no hash.
    """
    require_hash(user_hash)
    scope = {"user": user_hash, "tenant": tenant_id or EVERY_TENANT, "now": now}
    await _record(db, scope)
    emptied = deleted = reacted = named = 0
    while chunk := await _empty_chunk(db, scope):
        emptied, deleted = emptied + chunk[0], deleted + chunk[1]
    while count := await _delete_reactions(db, scope):
        reacted += count
    for each in [tenant_id] if tenant_id else await _all_tenants(db):
        named += await _redact_channels(db, {**scope, "tenant": each})
        async for part in time_windows(db, each, window):
            named += await _redact_window(db, part, scope)
    return Erased(messages=emptied, attachments=deleted, reactions=reacted, mentions=named)


_RECORD = (
    insert(erased_users)
    .values(tenant_id=TENANT_ID, user_hash=USER_HASH, erased_at=NOW, created_at=NOW, updated_at=NOW)
    .on_conflict_do_nothing()
)
# Waits for every transaction that has read the wishes, and so may still write what this one forbids. SQLite has one
# writer, which waits anyway.
_WAIT = text("LOCK TABLE erased_users IN ACCESS EXCLUSIVE MODE")


@finish_before_cancel
async def _record(db: Database, scope: Mapping[str, object]) -> None:
    async with db.writing() as connection:
        if db.dialect == "postgresql":
            await connection.execute(_WAIT)
        await connection.execute(_RECORD, scope)


_THEIRS = (
    select(messages.c.channel_id, messages.c.platform_id)
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
async def _empty_chunk(db: Database, scope: Mapping[str, object]) -> tuple[int, int] | None:
    """Empty messages of theirs. Returns how many, and how many files went with them; None where none is left."""
    async with db.writing() as connection:
        theirs = (await connection.execute(_THEIRS, scope)).all()
        if not theirs:
            return None
        keys = [{"channel_id": channel, "message_platform_id": message} for channel, message in theirs]
        values = {"theirs": dump_json(keys), "now": scope["now"]}
        files = (await connection.execute(_DELETE_FILES, values)).rowcount
        emptied = (await connection.execute(_EMPTY, values)).rowcount
    return emptied, files


_key = reactions.primary_key.columns.values()
_chunk = (
    select(*_key)
    .join(channels, channels.c.id == reactions.c.channel_id)
    .where(reactions.c.user_hash == USER_HASH, or_(TENANT_ID == EVERY_TENANT, channels.c.tenant_id == TENANT_ID))
    .limit(_CHUNK)
)
_DELETE_REACTIONS = delete(reactions).where(tuple_(*_key).in_(_chunk.correlate(None)))


@finish_before_cancel
async def _delete_reactions(db: Database, scope: Mapping[str, object]) -> int:
    async with db.writing() as connection:
        return (await connection.execute(_DELETE_REACTIONS, scope)).rowcount


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
_REDACT_CHANNELS = _redact(channels, "name", "metadata").where(channels.c.tenant_id == TENANT_ID)


@finish_before_cancel
async def _redact_window(db: Database, window: TimeWindow, scope: Mapping[str, object]) -> int:
    """Take a person's name out of the messages and files of a window. Returns how many named them."""
    values = {**scope, **window.as_values()}
    async with db.writing() as connection:
        named = (await connection.execute(_REDACT_MESSAGES, values)).rowcount
        return named + (await connection.execute(_REDACT_FILES, values)).rowcount


@finish_before_cancel
async def _redact_channels(db: Database, scope: Mapping[str, object]) -> int:
    """Take a person's name out of the channels of a tenant. Returns how many named them."""
    async with db.writing() as connection:
        return (await connection.execute(_REDACT_CHANNELS, scope)).rowcount
