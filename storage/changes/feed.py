"""Reading the feed of changes: what was changed behind a place, with the messages as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, RowMapping, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.changes.model import Change, ChangeKind, ChangePage, ChangePlace, StartAnew
from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy import is_emptied
from storage.reading import SHOWN_CHANNELS, MessageKey, channel_of_row, load_by_key
from storage.sql import CHANNEL_ID, LIMIT, TENANT_ID, Id, RowId, all_rows, dump_json, json_objects, one_row
from storage.tables import change_feeds, channels, message_changes, messages

_FEED = select(change_feeds.c.bound, change_feeds.c.starts_anew_below).where(change_feeds.c.tenant_id == TENANT_ID)
_CHANGES = (
    select(message_changes)
    .where(message_changes.c.tenant_id == TENANT_ID)
    .where(message_changes.c.position >= bindparam("since", type_=BigInteger))
    .where(message_changes.c.position <= bindparam("until", type_=BigInteger))
    .order_by(message_changes.c.position)
    .limit(LIMIT)
)
_id = messages.c.platform_id
_IDS = (
    select(_id)
    .where(messages.c.channel_id == CHANNEL_ID, _id >= bindparam("low", type_=Id), _id <= bindparam("high", type_=Id))
    .where(_id > bindparam("behind", type_=Id))
    .order_by(_id)
    .limit(LIMIT)
)
_wanted = json_objects("wanted", id=RowId)
# SQLite gives the ids of purged channels again, perhaps to another tenant's.
_SHOWN = SHOWN_CHANNELS.where(channels.c.id.in_(select(_wanted.c.id)), channels.c.tenant_id == TENANT_ID)


@dataclass(frozen=True, slots=True)
class _Found:
    place: ChangePlace
    kind: ChangeKind
    key: MessageKey


@finish_before_cancel
async def changes_after(db: Database, tenant_id: str, after: ChangePlace, limit: int) -> ChangePage:
    """Read the changes of a tenant behind a place that have positions.

    Whoever reads from 0 gets every message, and whoever goes on from each page's ``next`` each one again whenever it
    has changed. Of several changes of one kind to one message only the newest is told, and a message may be told
    without having changed.

    Args:
        db: the archive.
        tenant_id: ours.
        after: where the page before ended; position 0: read everything.
        limit: how many at most.

    Raises:
        StartAnew: messages were deleted from the archive, or it is another one by now.
        QueryTooLong: the database is too busy.
    """
    async with db.asking() as connection:
        feed = await one_row(connection, _FEED, {"tenant": tenant_id})
        bound, anew = (feed["bound"], feed["starts_anew_below"]) if feed else (0, 0)
        if after.position and (after.position > bound or after.anew != anew):
            raise StartAnew
        found, place = await _find(connection, tenant_id, after, bound, limit)
        changes = await _load(connection, tenant_id, found)
    end = ChangePlace(position=bound, anew=anew)
    return ChangePage(
        changes=tuple(replace(change, place=replace(change.place, anew=anew)) for change in changes),
        next=replace(place, anew=anew) if place else end,
        bound=end,
        has_more=place is not None,
    )


async def _find(
    connection: AsyncConnection, tenant_id: str, after: ChangePlace, bound: int, limit: int
) -> tuple[list[_Found], ChangePlace | None]:
    """Find the next changes, and where to go on if these may not be all."""
    since = after.position + (after.message_id is None)
    values = {"tenant": tenant_id, "since": since, "until": bound, "limit": limit}
    rows = await all_rows(connection, _CHANGES, values)
    found: list[_Found] = []
    for row in rows:
        if len(found) == limit:
            return found, found[-1].place
        behind = after.message_id or "" if row["position"] == after.position else ""
        found += (some := await _of_row(connection, row, behind, limit - len(found)))
        if some and some[-1].place.message_id is not None and len(found) == limit:
            return found, some[-1].place
    return found, ChangePlace(position=rows[-1]["position"]) if len(rows) == limit else None


async def _of_row(connection: AsyncConnection, row: RowMapping, behind: str, limit: int) -> list[_Found]:
    """List the messages that a row is about, those behind an id."""
    low, high = row["first_message_platform_id"], row["last_message_platform_id"]
    if low == high:
        place = ChangePlace(position=row["position"])
        return [] if behind >= low else [_Found(place, row["kind"], (row["channel_id"], low))]
    values = {"channel": row["channel_id"], "low": low, "high": high, "behind": behind, "limit": limit}
    ids = (await connection.execute(_IDS, values)).scalars()
    places = ((ChangePlace(position=row["position"], message_id=message_id), message_id) for message_id in ids)
    return [_Found(place, row["kind"], (row["channel_id"], message_id)) for place, message_id in places]


async def _load(connection: AsyncConnection, tenant_id: str, found: Sequence[_Found]) -> list[Change]:
    """Load the messages; those that were deleted meanwhile are left out, of which the next page tells."""
    if not found:
        return []
    shown = await load_by_key(connection, sorted({each.key for each in found}))
    wanted = dump_json([{"id": channel_id} for channel_id in sorted({channel_id for channel_id, _ in shown})])
    rows = await all_rows(connection, _SHOWN, {"wanted": wanted, "tenant": tenant_id})
    places = {row["id"]: channel_of_row(row) for row in rows}
    return [
        Change(
            place=each.place,
            kind="erased" if each.kind == "edited" and is_emptied(message.metadata) else each.kind,
            channel=places[message.channel_id],
            message=message,
        )
        for each in found
        if (message := shown.get(each.key)) is not None and message.channel_id in places
    ]
