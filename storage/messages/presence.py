"""Find out whether a range of a channel holds messages."""

from sqlalchemy import select

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.messages.id_ranges import IN_RANGE, split_by_length
from storage.tables import messages

_ANY = select(messages.c.id).where(IN_RANGE, messages.c.deleted_at.is_(None)).limit(1)


@finish_before_cancel
async def has_stored(db: Database, channel_id: int, after_id: str | None, until_id: str) -> bool:
    """Return whether a range of a channel holds a stored message that is not marked as deleted.

    Args:
        db: the archive.
        channel_id: ``channels.id``.
        after_id: the exclusive lower end; None: from the first message.
        until_id: the inclusive upper end.
    """
    async with db.reading() as connection:
        for id_range in split_by_length(after_id, until_id):
            if (await connection.execute(_ANY, {"channel": channel_id, **id_range.as_values()})).first():
                return True
    return False
