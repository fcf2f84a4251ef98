"""Links of files, which a platform signs for some days only: find one, and store those that were given anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, and_, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records import MessageRecord
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages.rows import PreparedMessages, prepare
from storage.sql import NOW, TENANT_ID, Id, RowId, UtcDateTime, dump_json, fields_of, json_objects
from storage.tables import attachments, channels, messages


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLink:
    """Where the platform serves a file, until when, and the message that it hangs on."""

    channel_id: int  # channels.id
    channel_platform_id: str
    parent_platform_id: str | None  # of a thread, the channel that it belongs to
    message_platform_id: str
    url: str
    url_expires_at: datetime | None
    skip_reason: str | None  # why the channel is not read any more
    deleted_at: datetime | None  # since when the message is known to be deleted


_parent = channels.alias("parent")
_FIND = (
    select(
        attachments.c.channel_id,
        channels.c.platform_id.label("channel_platform_id"),
        _parent.c.platform_id.label("parent_platform_id"),
        attachments.c.message_platform_id,
        attachments.c.url,
        attachments.c.url_expires_at,
        channels.c.skip_reason,
        messages.c.deleted_at,
    )
    .select_from(attachments)
    .join(channels, channels.c.id == attachments.c.channel_id)
    .join(
        messages,
        and_(
            messages.c.channel_id == attachments.c.channel_id,
            messages.c.platform_id == attachments.c.message_platform_id,
        ),
    )
    .outerjoin(_parent, and_(_parent.c.id == channels.c.parent_id, channels.c.type == "thread"))
    .where(attachments.c.platform_id == bindparam("file", type_=Id), channels.c.tenant_id == TENANT_ID)
    # One file can hang on several messages, such as a followed announcement: one that can be read comes first.
    .order_by(
        channels.c.skip_reason.is_not(None),
        messages.c.deleted_at.is_not(None),
        attachments.c.channel_id,
        func.length(attachments.c.message_platform_id),
        attachments.c.message_platform_id,
    )
    .limit(1)
)


@finish_before_cancel
async def find_link(db: Database, tenant_id: str, platform_id: str) -> FileLink | None:
    """Return the link of a tenant's file, by the platform's id of the file; None where none is archived."""
    async with db.reading() as connection:
        row = (await connection.execute(_FIND, {"tenant": tenant_id, "file": platform_id})).mappings().first()
    return FileLink(**fields_of(row, FileLink)) if row else None


_given = json_objects("given", channel_id=RowId, message_platform_id=Id())
# Locked in the order of every transaction that changes messages or what hangs on them.
_LOCK = (
    select(messages.c.id)
    .select_from(
        _given.join(
            messages,
            and_(messages.c.channel_id == _given.c.channel_id, messages.c.platform_id == _given.c.message_platform_id),
        )
    )
    .order_by(messages.c.channel_id, func.length(messages.c.platform_id), messages.c.platform_id)
    .with_for_update(of=messages, key_share=True)
)
_URL = bindparam("new_url", type_=Text)
_EXPIRY = bindparam("new_expiry", type_=UtcDateTime)
_RENEW = (
    update(attachments)
    .where(
        attachments.c.channel_id == bindparam("of_channel", type_=RowId),
        attachments.c.message_platform_id == bindparam("of_message", type_=Id),
        attachments.c.platform_id == bindparam("of_file", type_=Id),
        attachments.c.url != _URL,
    )
    .values(url=_URL, url_expires_at=_EXPIRY, updated_at=NOW)
)


@finish_before_cancel
async def renew_links(
    db: Database, tenant_id: str, channel_id: int, records: Sequence[MessageRecord], now: datetime
) -> None:
    """Store the links of archived files as their messages show them now; nothing else of the messages.

    Args:
        db: the archive.
        tenant_id: the channel's community.
        channel_id: ``channels.id``.
        records: messages of the channel, just read.
        now: the time of the rows' change.
    """
    with_files = [record for record in records if record.attachments]
    if not with_files:
        return
    async with db.writing() as connection:
        await _renew(connection, await prepare(connection, {(tenant_id, channel_id): with_files}), now)


async def _renew(connection: AsyncConnection, prepared: PreparedMessages, now: datetime) -> None:
    rows = list(prepared.rows())
    given = [{"channel_id": channel, "message_platform_id": record.platform_id} for channel, record in rows]
    await connection.execute(_LOCK, {"given": dump_json(given)})
    renewed = [
        {
            "of_channel": channel,
            "of_message": record.platform_id,
            "of_file": file.platform_id,
            "new_url": file.url,
            "new_expiry": file.url_expires_at,
            "now": now,
        }
        for channel, record in rows
        for file in record.attachments
    ]
    if renewed:
        await connection.execute(_RENEW, renewed)
