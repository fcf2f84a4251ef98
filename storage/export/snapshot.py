"""A tenant's messages at one instant, channel by channel and page by page, in flat memory."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.errors import UnknownChannel, UnknownTenant
from storage.export.model import ExportedMessage, ExportSelection
from storage.export.reactions import parts_by_reactions, with_reaction_users
from storage.reading import (
    FIRST,
    SHOWN_CHANNELS,
    MessageLinks,
    MessageOutline,
    Original,
    Position,
    ShownChannel,
    ShownMessage,
    answers_to,
    channel_of_row,
    channel_pages,
    messages_at,
    originals_of,
    outlines,
    position_of,
    referred_place,
    threads_on,
)
from storage.sql import AFTER_ID, LIMIT, TENANT_ID, DatabaseTime, all_rows, dump_json, json_strings, one_row
from storage.tables import channels, content_retention, sync_progress, tenants

_CHANNELS_AT_ONCE = 500
_PAGE = 1_000
_OUTLINES_AT_ONCE = 5_000

_TENANT = (
    select(tenants.c.name, content_retention.c.content_before, DatabaseTime(0).label("taken_at"))
    .select_from(tenants.outerjoin(content_retention, content_retention.c.tenant_id == tenants.c.id))
    .where(tenants.c.id == TENANT_ID, tenants.c.purged_at.is_(None))
)
_IDS = (
    select(channels.c.platform_id)
    .where(channels.c.tenant_id == TENANT_ID)
    .where(channels.c.platform_id.in_(select(json_strings("chosen"))))
)
_parent = channels.alias("category")
# Of a category the channels; the threads of those follow by being theirs.
_BELOW = (
    select(channels.c.platform_id)
    .join_from(channels, _parent, _parent.c.id == channels.c.parent_id)
    .where(channels.c.tenant_id == TENANT_ID, channels.c.type != "thread")
    .where(_parent.c.platform_id.in_(select(json_strings("chosen"))))
)
_shown = SHOWN_CHANNELS.subquery("shown")
_ALL = (
    select(_shown)
    .where(_shown.c.tenant_id == TENANT_ID, _shown.c.type.in_(["text", "thread"]), _shown.c.id > AFTER_ID)
    .order_by(_shown.c.id)
    .limit(LIMIT)
)
_is_chosen = or_(
    _shown.c.platform_id.in_(select(json_strings("chosen"))),
    _shown.c.parent_platform_id.in_(select(json_strings("chosen"))),
)
_CHOSEN = _ALL.where(_is_chosen)
_archived = func.coalesce(func.sum(sync_progress.c.messages_archived), 0)
_COUNT = (
    select(_archived)
    .join_from(_shown, sync_progress, sync_progress.c.channel_id == _shown.c.id)
    .where(_shown.c.tenant_id == TENANT_ID)
)
_COUNT_CHOSEN = _COUNT.where(_is_chosen)


class ArchiveSnapshot:
    """What a selection holds, as of ``taken_at``; ``tenant_name`` is None where the platform has not named it.

    Of messages sent before ``content_before`` nothing that they said is kept; None: of all it is.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        selection: ExportSelection,
        *,
        chosen: Sequence[str],
        tenant_name: str | None,
        taken_at: datetime,
        content_before: datetime | None,
    ) -> None:
        self._connection, self.selection = connection, selection
        self.dialect = connection.dialect.name
        self._values = {"tenant": selection.tenant_id} | ({"chosen": dump_json(list(chosen))} if chosen else {})
        self._is_limited = bool(chosen)
        self.chosen = frozenset(chosen)  # the platform's ids of channels, without their threads; none: all
        self.tenant_name, self.taken_at, self.content_before = tenant_name, taken_at, content_before

    @finish_before_cancel
    async def estimate_messages(self) -> int | None:
        """Say about how many messages there are; None where times or an author leave that open."""
        if self.selection.since or self.selection.until or self.selection.author:
            return None
        statement = _COUNT_CHOSEN if self._is_limited else _COUNT
        return int((await self._connection.execute(statement, self._values)).scalar_one())

    async def channels(self) -> AsyncIterator[ShownChannel]:
        """Walk through the channels and threads that can hold messages, in the order in which they were first seen."""
        last = 0
        while True:
            page = await self._channel_page(last)
            for channel in page:
                yield channel
            if len(page) < _CHANNELS_AT_ONCE:
                return
            last = page[-1].id

    async def pages(self, channel: ShownChannel) -> AsyncIterator[list[ExportedMessage]]:
        """Walk through the chosen messages of a channel, the oldest first."""
        async for page in self.messages(channel):
            for part in parts_by_reactions(page):
                yield await self._exported(channel, part)

    async def messages(
        self, channel: ShownChannel, *, since: datetime | None = None
    ) -> AsyncIterator[list[ShownMessage]]:
        """Walk through the chosen messages of a channel as ``pages`` does, from a time on, without who reacted."""
        chosen = self.selection
        begin = max((at for at in (since, chosen.since) if at), default=None)
        walk = channel_pages(self._connection, channel.id, since=begin, until=chosen.until, size=_PAGE)
        while (page := await self._next(walk)) is not None:
            yield [message for message in page if chosen.takes(message)]

    async def outlines(self, channel: ShownChannel) -> AsyncIterator[list[MessageOutline]]:
        """Walk through the chosen messages of a channel, of which only where they stand is loaded."""
        chosen, is_last = self.selection, False
        place = Position(at=chosen.since) if chosen.since else FIRST
        while not is_last:
            page = await self._outline_page(channel, place)
            within = [one for one in page if chosen.until is None or one.sent_at < chosen.until]
            is_last = len(within) < _OUTLINES_AT_ONCE
            if within:
                place = position_of(within[-1])
            yield [one for one in within if chosen.takes(one)]

    @finish_before_cancel
    async def links(self, channel: ShownChannel, shown: Sequence[ShownMessage]) -> MessageLinks:
        """Find what leads from messages of a channel to others, also from those that are no replies."""
        connection, tenant_id = self._connection, self.selection.tenant_id
        originals = await originals_of(connection, tenant_id, shown)
        with_deleted = self.selection.include_deleted
        return MessageLinks(
            originals={key: original for key, found in originals.items() if (original := self._told(found))},
            answers=await answers_to(connection, channel, shown, with_deleted=with_deleted),
            threads=await threads_on(connection, channel, shown),
            referred=await messages_at(
                connection, tenant_id, {place for one in shown if (place := referred_place(one))}
            ),
        )

    @finish_before_cancel
    async def find_message(self, channel_id: str, message_id: str) -> Original | None:
        """Look a message up by the platform's ids; None where it is not archived."""
        found = await messages_at(self._connection, self.selection.tenant_id, [(channel_id, message_id)])
        return next((one for one in found.values() if one.is_archived), None)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Lend the snapshot's connection, so that what reads an archive can read this instant of it."""
        yield self._connection

    @asynccontextmanager
    async def asking(self, seconds: float = 3.0) -> AsyncIterator[AsyncConnection]:
        """Lend the same; nobody waits for an export, so that no query is too long."""
        yield self._connection

    @finish_before_cancel
    async def _channel_page(self, last: int) -> list[ShownChannel]:
        values = {**self._values, "after": last, "limit": _CHANNELS_AT_ONCE}
        rows = await all_rows(self._connection, _CHOSEN if self._is_limited else _ALL, values)
        return [channel_of_row(row) for row in rows]

    @finish_before_cancel
    async def _outline_page(self, channel: ShownChannel, place: Position) -> list[MessageOutline]:
        return await outlines(self._connection, channel.id, place, _OUTLINES_AT_ONCE)

    @finish_before_cancel
    async def _next(self, walk: AsyncIterator[list[ShownMessage]]) -> list[ShownMessage] | None:
        return await anext(walk, None)

    @finish_before_cancel
    async def _exported(self, channel: ShownChannel, taken: list[ShownMessage]) -> list[ExportedMessage]:
        originals = await originals_of(self._connection, self.selection.tenant_id, taken)
        whole = await with_reaction_users(self._connection, taken)
        keys = [(one.channel_id, one.platform_id) for one in whole]
        return [
            ExportedMessage(message=one, channel=channel, original=self._told(originals.get(key)))
            for one, key in zip(whole, keys, strict=True)
        ]

    def _told(self, original: Original | None) -> Original | None:
        """Return what a message answers, without what it says where it was deleted and such are not taken."""
        if original is None or original.deleted_at is None or self.selection.include_deleted:
            return original
        return replace(original, excerpt="", files=0, metadata={})


@asynccontextmanager
async def open_snapshot(db: Database, selection: ExportSelection) -> AsyncIterator[ArchiveSnapshot]:
    """Take a snapshot, which holds until the block ends.

    Raises:
        UnknownTenant: there is no such tenant, or it was purged.
        UnknownChannel: there is no channel of an id.
    """
    async with db.snapshot() as connection:
        row = await one_row(connection, _TENANT, {"tenant": selection.tenant_id})
        if row is None:
            raise UnknownTenant(f"There is no tenant {selection.tenant_id}.")
        chosen = await _chosen(connection, selection)
        facts = {name: row[name] for name in ("taken_at", "content_before")}
        yield ArchiveSnapshot(connection, selection, chosen=chosen, tenant_name=row["name"], **facts)


async def _chosen(connection: AsyncConnection, selection: ExportSelection) -> list[str]:
    """Return the ids of the chosen channels, those of chosen categories among them."""
    if not selection.channels:
        return []
    values = {"tenant": selection.tenant_id, "chosen": dump_json(list(selection.channels))}
    known = set((await connection.execute(_IDS, values)).scalars())
    if unknown := [one for one in selection.channels if one not in known]:
        which = f"channel {', '.join(unknown)} in the archive of {selection.tenant_id}"
        raise UnknownChannel(f"There is no {which}: give its id, not its name.")
    return sorted(known | set((await connection.execute(_BELOW, values)).scalars()))
