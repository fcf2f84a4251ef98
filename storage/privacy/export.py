"""All that is held about one person, streamed: whoever asks for their data gets it in bounded memory."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, literal_column, or_, select, tuple_
from sqlalchemy.types import Boolean, Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.redaction import EVERY_TENANT, HASH
from storage.privacy.search import USER, names_user
from storage.privacy.time_windows import IN_WINDOW, time_windows
from storage.sql import INSERT, Id, RowId, all_rows
from storage.tables import attachments, channels, erased_users, messages, reactions, tenants

_WINDOW = 2_000  # messages looked through at once
_PAGE = 1_000  # reactions at once

_TENANT = bindparam("of_tenant", type_=Id)


async def export_user(db: Database, user_hash: str, *, tenant_id: str | None) -> AsyncIterator[dict[str, object]]:
    """Everything that is held about a person, in one tenant or in all.

    Every dictionary has a ``kind``: ``redactor_for`` (a wish of theirs), ``channel`` (that names them, such as a thread
    they opened), ``message`` (of theirs), ``reply`` (to them), ``mention`` (another's message that names them),
    ``attachment`` (of theirs, or that names them) and ``reaction``. Ids are the platform's, times are aware, of a
    reaction ``first_seen_at`` is when the archive learnt of it. Each message comes before its attachments.

    Raises:
        ValueError: that is no hash.
    """
    if not HASH.fullmatch(user_hash):
        raise ValueError("a person is told by 64 hexadecimal digits")
    scope: dict[str, object] = {"user": user_hash, "of_tenant": tenant_id or EVERY_TENANT}
    for row in await _rows(db, _WISHES, scope):
        yield row
    tenant_ids = [tenant_id] if tenant_id else [str(row["id"]) for row in await _rows(db, _TENANTS, {})]
    for each in tenant_ids:
        async for row in _export_tenant(db, {**scope, "of_tenant": each}):
            yield row


async def _export_tenant(db: Database, scope: dict[str, object]) -> AsyncIterator[dict[str, object]]:
    for row in await _rows(db, _CHANNELS[db.dialect], scope):
        yield row
    async for window in time_windows(db, str(scope["of_tenant"]), _WINDOW):
        for statement in (_MESSAGES[db.dialect], _ATTACHMENTS[db.dialect]):
            for row in await _rows(db, statement, scope | window.as_values()):
                yield row
    async for row in _reactions(db, scope):
        yield row


@finish_before_cancel
async def _rows(db: Database, statement: Select[Any], values: dict[str, object]) -> list[dict[str, object]]:
    async with db.reading() as connection:
        rows = await all_rows(connection, statement, values)
    return [{str(name): value for name, value in row.items()} for row in rows]  # names of a plain type, as orjson wants


def _kind(kind: str) -> ColumnElement[str]:
    return literal_column(f"'{kind}'", Text).label("kind")


_PLACE = (
    channels.c.tenant_id,
    channels.c.platform_id.label("channel_id"),
    channels.c.name.label("channel_name"),
)
_is_theirs = messages.c.author_hash == USER
_WISHES = (
    select(_kind("forgotten"), erased_users.c.tenant_id, erased_users.c.erased_at)
    .where(erased_users.c.user_hash == USER)
    .where(or_(_TENANT == EVERY_TENANT, erased_users.c.tenant_id.in_([EVERY_TENANT, _TENANT])))
    .order_by(erased_users.c.tenant_id)
)
_TENANTS = select(tenants.c.id).order_by(tenants.c.id)


def _channels(dialect: str) -> Select[Any]:
    is_named = or_(*(names_user(dialect, column) for column in (channels.c.name, channels.c.metadata)))
    return (
        select(_kind("channel"), *_PLACE, channels.c.metadata)
        .where(channels.c.tenant_id == _TENANT, is_named)
        .order_by(channels.c.id)
    )


def _messages(dialect: str) -> Select[Any]:
    is_reply = messages.c.reply_to_author_hash == USER
    is_named = or_(*(names_user(dialect, column) for column in (messages.c.content, messages.c.metadata)))
    kind = case((_is_theirs, "message"), (is_reply, "reply"), else_="mention")
    names = (
        "type",
        "sent_at",
        "edited_at",
        "deleted_at",
        "content",
        "reply_to_channel_platform_id",
        "reply_to_message_platform_id",
    )
    return (
        select(
            kind.label("kind"),
            *_PLACE,
            messages.c.platform_id.label("message_id"),
            *(messages.c[name] for name in names),
            messages.c.metadata,
        )
        .join_from(messages, channels, channels.c.id == messages.c.channel_id)
        .where(IN_WINDOW, or_(_is_theirs, is_reply, is_named))
        .order_by(messages.c.sent_at, messages.c.channel_id, messages.c.platform_id)
    )


def _attachments(dialect: str) -> Select[Any]:
    texts = (attachments.c.filename, attachments.c.url, attachments.c.metadata)
    names = ("filename", "size_bytes", "content_type", "url", "url_expires_at", "metadata")
    return (
        select(
            _kind("attachment"),
            *_PLACE,
            attachments.c.message_platform_id.label("message_id"),
            attachments.c.platform_id.label("attachment_id"),
            *(attachments.c[name] for name in names),
        )
        .select_from(
            messages.join(
                attachments,
                and_(
                    attachments.c.channel_id == messages.c.channel_id,
                    attachments.c.message_platform_id == messages.c.platform_id,
                ),
            ).join(channels, channels.c.id == messages.c.channel_id)
        )
        .where(IN_WINDOW, or_(_is_theirs, *(names_user(dialect, column) for column in texts)))
        .order_by(messages.c.sent_at, messages.c.channel_id, messages.c.platform_id, attachments.c.platform_id)
    )


_CHANNELS = {dialect: _channels(dialect) for dialect in INSERT}
_MESSAGES = {dialect: _messages(dialect) for dialect in INSERT}
_ATTACHMENTS = {dialect: _attachments(dialect) for dialect in INSERT}

_place = (reactions.c.channel_id, reactions.c.message_platform_id, reactions.c.emoji_key, reactions.c.burst)
_behind = tuple_(
    bindparam("channel", type_=RowId),
    bindparam("message", type_=Id),
    bindparam("emoji", type_=Id),
    bindparam("is_burst", type_=Boolean),
)
_REACTIONS = (
    select(
        _kind("reaction"),
        *_PLACE,
        reactions.c.message_platform_id.label("message_id"),
        reactions.c.emoji,
        reactions.c.burst,
        reactions.c.created_at.label("first_seen_at"),
        reactions.c.channel_id.label("own_channel_id"),
        reactions.c.emoji_key,
    )
    .join_from(reactions, channels, channels.c.id == reactions.c.channel_id)
    .where(reactions.c.user_hash == USER, channels.c.tenant_id == _TENANT, tuple_(*_place) > _behind)
    .order_by(*_place)
    .limit(_PAGE)
)


async def _reactions(db: Database, scope: dict[str, object]) -> AsyncIterator[dict[str, object]]:
    values = {**scope, "channel": 0, "message": "", "emoji": "", "is_burst": False}
    while page := await _rows(db, _REACTIONS, values):
        for row in page:
            values |= {"channel": row.pop("own_channel_id"), "emoji": row.pop("emoji_key")}
            values |= {"message": row["message_id"], "is_burst": row["burst"]}
            yield row
