"""All that is held about one person, streamed: a person who wants their data gets it in bounded memory."""

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, literal_column, or_, select, tuple_
from sqlalchemy.types import Boolean, Text

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.absences import EVERY_TENANT, require_hash
from storage.privacy.search import IN_WINDOW, names_user, time_windows
from storage.sql import CHANNEL_ID, MESSAGE_PLATFORM_ID, TENANT_ID, USER_HASH, Id, all_rows
from storage.tables import attachments, channels, erased_users, messages, opt_outs, reactions, tenants

_PAGE = 1_000  # reactions at once


async def export_user(
    db: Database, user_hash: str, *, tenant_id: str | None, window: int = 2_000
) -> AsyncIterator[dict[str, object]]:
    """Export everything that is stored about a person, in one tenant or in all.

    Every dictionary has a ``kind``: ``forgotten`` and ``opt_out`` (requests of theirs), ``channel`` (that names them,
    such as a thread they opened), ``message`` (of theirs), ``reply`` (to them), ``mention`` (another's message that
    names them), ``attachment`` (of theirs, or that names them) and ``reaction``. Ids are the platform's, times are
    aware, of a reaction ``first_seen_at`` is when the archive learnt of it. Each message comes before its attachments.

    Args:
        db: the archive.
        user_hash: the person's hash, 64 hexadecimal digits.
        tenant_id: in one tenant; None: in all.
        window: how many messages are searched at once.

    Raises:
        ValueError: that is no hash.
    """
    require_hash(user_hash)
    scope: dict[str, object] = {"user": user_hash, "tenant": tenant_id or EVERY_TENANT}
    for statement in (_REQUESTS, _OPT_OUTS):
        for row in await _rows(db, statement, scope):
            yield row
    tenant_ids = [tenant_id] if tenant_id else [str(row["id"]) for row in await _rows(db, _TENANTS, {})]
    for each in tenant_ids:
        async for row in _export_tenant(db, {**scope, "tenant": each}, window):
            yield row


async def _export_tenant(db: Database, scope: dict[str, object], size: int) -> AsyncIterator[dict[str, object]]:
    for row in await _rows(db, _CHANNELS, scope):
        yield row
    async for window in time_windows(db, str(scope["tenant"]), size):
        for statement in (_MESSAGES, _ATTACHMENTS):
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


_CHANNEL_REF = (
    channels.c.tenant_id,
    channels.c.platform_id.label("channel_id"),
    channels.c.name.label("channel_name"),
)
_is_theirs = messages.c.author_hash == USER_HASH
_REQUESTS = (
    select(_kind("forgotten"), erased_users.c.tenant_id, erased_users.c.erased_at.label("forgotten_at"))
    .where(erased_users.c.user_hash == USER_HASH)
    .where(or_(TENANT_ID == EVERY_TENANT, erased_users.c.tenant_id.in_([EVERY_TENANT, TENANT_ID])))
    .order_by(erased_users.c.tenant_id)
)
_opt_outs = opt_outs.c
_OPT_OUTS = (
    select(_kind("opt_out"), *(_opt_outs[n] for n in ("tenant_id", "requested_at", "withheld_from", "withheld_until")))
    .where(_opt_outs.user_hash == USER_HASH)
    .where(or_(TENANT_ID == EVERY_TENANT, _opt_outs.tenant_id.in_([EVERY_TENANT, TENANT_ID])))
    .order_by(_opt_outs.requested_at)
)
_TENANTS = select(tenants.c.id).order_by(tenants.c.id)


def _channels() -> Select[Any]:
    is_named = or_(*(names_user(column) for column in (channels.c.name, channels.c.metadata)))
    return (
        select(_kind("channel"), *_CHANNEL_REF, channels.c.metadata)
        .where(channels.c.tenant_id == TENANT_ID, is_named)
        .order_by(channels.c.id)
    )


def _messages() -> Select[Any]:
    is_reply = messages.c.reply_to_author_hash == USER_HASH
    is_named = or_(*(names_user(column) for column in (messages.c.content, messages.c.metadata)))
    kind = case((_is_theirs, "message"), (is_reply, "reply"), else_="mention")
    names = ("type", "sent_at", "edited_at", "deleted_at", "content")
    return (
        select(
            kind.label("kind"),
            *_CHANNEL_REF,
            messages.c.platform_id.label("message_id"),
            *(messages.c[name] for name in names),
            messages.c.reply_to_channel_platform_id.label("reply_to_channel_id"),
            messages.c.reply_to_message_platform_id.label("reply_to_message_id"),
            messages.c.metadata,
        )
        .join_from(messages, channels, channels.c.id == messages.c.channel_id)
        .where(IN_WINDOW, or_(_is_theirs, is_reply, is_named))
        .order_by(messages.c.sent_at, messages.c.channel_id, messages.c.platform_id)
    )


def _attachments() -> Select[Any]:
    texts = (attachments.c.filename, attachments.c.url, attachments.c.metadata)
    names = ("filename", "size_bytes", "content_type", "url", "url_expires_at", "metadata")
    return (
        select(
            _kind("attachment"),
            *_CHANNEL_REF,
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
        .where(IN_WINDOW, or_(_is_theirs, *(names_user(column) for column in texts)))
        .order_by(messages.c.sent_at, messages.c.channel_id, messages.c.platform_id, attachments.c.platform_id)
    )


_CHANNELS, _MESSAGES, _ATTACHMENTS = _channels(), _messages(), _attachments()

_order = (reactions.c.channel_id, reactions.c.message_platform_id, reactions.c.emoji_key, reactions.c.burst)
_last = tuple_(
    CHANNEL_ID,
    MESSAGE_PLATFORM_ID,
    bindparam("emoji", type_=Id),
    bindparam("is_burst", type_=Boolean),
)
_REACTIONS = (
    select(
        _kind("reaction"),
        *_CHANNEL_REF,
        reactions.c.message_platform_id.label("message_id"),
        reactions.c.emoji,
        reactions.c.burst,
        reactions.c.created_at.label("first_seen_at"),
        reactions.c.channel_id.label("own_channel_id"),
        reactions.c.emoji_key,
    )
    .join_from(reactions, channels, channels.c.id == reactions.c.channel_id)
    .where(reactions.c.user_hash == USER_HASH, channels.c.tenant_id == TENANT_ID, tuple_(*_order) > _last)
    .order_by(*_order)
    .limit(_PAGE)
)


async def _reactions(db: Database, scope: dict[str, object]) -> AsyncIterator[dict[str, object]]:
    values = {**scope, "channel": 0, "message": "", "emoji": "", "is_burst": False}
    while page := await _rows(db, _REACTIONS, values):
        for row in page:
            values |= {"channel": row.pop("own_channel_id"), "emoji": row.pop("emoji_key")}
            values |= {"message": row["message_id"], "is_burst": row["burst"]}
            yield row
