"""Compare the channels and threads of a listing with what is stored."""

from collections.abc import Sequence

from sqlalchemy import and_, select

from adapters.records import ChannelRecord
from storage.channels.rows import as_stored
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy import redactor_for
from storage.sql import AT_ONCE, TENANT_ID, Id, all_rows, dump_json, json_objects
from storage.tables import channels

_parent = channels.alias("parent")
_listed = json_objects("listed", platform_id=Id())
_STORED = select(
    channels.c.platform_id,
    channels.c.name,
    channels.c.type,
    channels.c.own_skip_reason,
    _parent.c.platform_id.label("parent_platform_id"),
).select_from(
    _listed.join(
        channels, and_(channels.c.tenant_id == TENANT_ID, channels.c.platform_id == _listed.c.platform_id)
    ).outerjoin(_parent, _parent.c.id == channels.c.parent_id)
)


@finish_before_cancel
async def differing(db: Database, tenant_id: str, records: Sequence[ChannelRecord]) -> list[ChannelRecord]:
    """Return the listed channels and threads that are not stored, or with another name, type, parent or skip reason."""
    found: list[ChannelRecord] = []
    async with db.reading() as connection:
        redactor = await redactor_for(connection, tenant_id)
        for at in range(0, len(records), AT_ONCE):
            some = await as_stored(connection, tenant_id, records[at : at + AT_ONCE], redactor)
            ids = dump_json([{"platform_id": record.platform_id} for record in some])
            rows = await all_rows(connection, _STORED, {"tenant": tenant_id, "listed": ids})
            stored = {row["platform_id"]: row for row in rows}
            found += [
                record
                for record in some
                if (row := stored.get(record.platform_id)) is None
                or (record.name is not None and record.name != row["name"])
                or (record.type, record.parent_platform_id) != (row["type"], row["parent_platform_id"])
                or record.skip_reason != row["own_skip_reason"]
            ]
    return found
