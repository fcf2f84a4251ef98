"""Find out whether a range of a channel holds messages that a page does not show."""

from collections.abc import Collection

from sqlalchemy import select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages.id_ranges import IN_RANGE, split_by_length
from storage.sql import dump_json, json_strings
from storage.tables import messages

_ABSENT = (
    select(messages.c.id)
    .where(IN_RANGE, messages.c.deleted_at.is_(None), messages.c.platform_id.not_in(select(json_strings("shown"))))
    .limit(1)
)


@finish_before_cancel
async def has_absent(
    db: Database, channel_id: int, after_id: str | None, until_id: str, *, shown: Collection[str]
) -> bool:
    """Return whether a range of a channel holds a stored message, not marked as deleted, that is not among ``shown``.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        after_id: the exclusive lower end; None: from the first message.
        until_id: the inclusive upper end.
        shown: platform ids.
    """
    values = {"channel": channel_id, "shown": dump_json(list(shown))}
    async with db.reading() as connection:
        for id_range in split_by_length(after_id, until_id):
            if (await connection.execute(_ABSENT, {**values, **id_range.as_values()})).first():
                return True
    return False
