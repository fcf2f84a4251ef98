"""Find out whether a range of a channel holds messages that a page does not show."""

from collections.abc import Collection
from datetime import UTC, datetime

from sqlalchemy import bindparam, select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages.id_ranges import IN_RANGE, in_range, split_by_length
from storage.sql import UtcDateTime, dump_json, json_strings
from storage.tables import IS_UNRESOLVED, messages, unwritten_events

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""From when on a platform shows messages that shows all of them."""

_shown = select(json_strings("shown"))
_ABSENT = (
    select(messages.c.id)
    .where(IN_RANGE)
    .where(messages.c.deleted_at.is_(None), messages.c.platform_id.not_in(_shown))
    .where(messages.c.sent_at >= bindparam("visible_since", type_=UtcDateTime))
    .limit(1)
)
_message_id = unwritten_events.c.message_platform_id
_ABSENT_UNWRITTEN = (
    select(unwritten_events.c.id)
    .where(in_range(unwritten_events.c.channel_id, _message_id), IS_UNRESOLVED, _message_id.not_in(_shown))
    .limit(1)
)


@finish_before_cancel
async def has_absent(
    db: Database,
    channel_id: int,
    after_id: str | None,
    until_id: str,
    *,
    shown: Collection[str],
    visible_since: datetime | None = None,
) -> bool:
    """Return whether a range of a channel holds a message that should be there, and that is not among ``shown``.

    That is a stored one that is not marked as deleted, or one of which an event could not be written.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        after_id: the exclusive lower end; None: from the first message.
        until_id: the inclusive upper end.
        shown: platform ids.
        visible_since: from when on the platform shows messages; what is older is not missed. None: it shows all.
    """
    values = {"channel": channel_id, "shown": dump_json(list(shown)), "visible_since": visible_since or BEGINNING}
    async with db.reading() as connection:
        for id_range in split_by_length(after_id, until_id):
            for statement in (_ABSENT, _ABSENT_UNWRITTEN) if visible_since is None else (_ABSENT,):
                if (await connection.execute(statement, {**values, **id_range.as_values()})).first():
                    return True
    return False
