"""Taking one person's name out of what others wrote, and of what the platform tells of channels."""

from collections.abc import Mapping

from sqlalchemy import Table, Update, bindparam, case, null, or_, select, tuple_, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.search import USER, names_user, without_user
from storage.privacy.time_windows import IN_WINDOW, TimeWindow
from storage.sql import INSERT, Id, UtcDateTime
from storage.tables import attachments, channels, messages

_NOW = bindparam("now", type_=UtcDateTime)
_TENANT = bindparam("of_tenant", type_=Id)


def _redact(dialect: str, table: Table, *columns: str) -> Update:
    """Take the name out of some columns; rows without it are left alone."""
    return (
        update(table)
        .where(or_(*(names_user(dialect, table.c[name]) for name in columns)))
        .values({name: without_user(dialect, table.c[name]) for name in columns} | {"updated_at": _NOW})
    )


def _redact_messages(dialect: str) -> Update:
    answered = messages.c.reply_to_author_hash
    is_named = or_(answered == USER, names_user(dialect, messages.c.content), names_user(dialect, messages.c.metadata))
    return (
        update(messages)
        .where(IN_WINDOW, is_named)
        .values(
            reply_to_author_hash=case((answered == USER, null()), else_=answered),
            content=without_user(dialect, messages.c.content),
            metadata=without_user(dialect, messages.c.metadata),
            updated_at=_NOW,
        )
    )


def _redact_files(dialect: str) -> Update:
    here = select(messages.c.channel_id, messages.c.platform_id).where(IN_WINDOW)
    return _redact(dialect, attachments, "filename", "url", "metadata").where(
        tuple_(attachments.c.channel_id, attachments.c.message_platform_id).in_(here)
    )


_REDACT = {dialect: (_redact_messages(dialect), _redact_files(dialect)) for dialect in INSERT}
_REDACT_CHANNELS = {
    dialect: _redact(dialect, channels, "name", "metadata").where(channels.c.tenant_id == _TENANT) for dialect in INSERT
}


@finish_before_cancel
async def redact_in_window(db: Database, window: TimeWindow, scope: Mapping[str, object]) -> int:
    """In how many messages and files of a window a person was named; ``scope`` tells who, and when that is done."""
    values = {**scope, **window.as_values()}
    async with db.writing() as connection:
        return sum([(await connection.execute(statement, values)).rowcount for statement in _REDACT[db.dialect]])


@finish_before_cancel
async def redact_in_channels(db: Database, scope: Mapping[str, object]) -> int:
    """The same of the channels of a tenant."""
    async with db.writing() as connection:
        return (await connection.execute(_REDACT_CHANNELS[db.dialect], scope)).rowcount
