"""From when on a platform shows the messages of a channel: what is older is hidden by it, and not deleted."""

from datetime import datetime

from sqlalchemy import bindparam, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.sql import CHANNEL_ID, NOW, UtcDateTime
from storage.tables import channels

_SINCE = bindparam("visible_since", type_=UtcDateTime)
_NOTE = (
    update(channels)
    .where(channels.c.id == CHANNEL_ID, channels.c.visible_since.is_distinct_from(_SINCE))
    .values(visible_since=_SINCE, updated_at=NOW)
)


@finish_before_cancel
async def note_visible_since(db: Database, channel_id: int, visible_since: datetime | None, now: datetime) -> None:
    """Keep from when on the platform shows messages of a channel (``channels.id``); None: all of them.

    Where that is known already nothing is written.
    """
    async with db.writing() as connection:
        await connection.execute(_NOTE, {"channel": channel_id, "visible_since": visible_since, "now": now})
