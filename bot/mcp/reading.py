"""The tools that read a channel in its order: around a message, a day, a thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from bot.holes import PlacedHoles, place_holes
from bot.mcp.answers import MessageAnswer, MessagesAnswer
from bot.mcp.archive import Archive, Refused, Standing
from bot.mcp.arguments import ReadAround, ReadDay, Thread
from bot.mcp.messages import MessageWriter
from bot.mcp.places import place_of
from bot.mcp.wire import fitting
from storage import reading
from storage.reading import HoleKind, MessageWindow, ShownChannel, ShownMessage
from storage.tenants import Tenant

_AT_ONCE = 100  # messages that are loaded for an answer
_MOST_NOTES = 6
_UNREAD = "What is missing in this channel may exist: it is not read to its end yet, or not read any more."
_BAD_CURSOR = "cursor: must be that of the answer before, with the same arguments; begin again without one"


@dataclass(frozen=True, slots=True)
class ReadingTools:
    """Reads channels and threads."""

    archive: Archive

    async def read_around(self, params: ReadAround) -> MessagesAnswer:
        """Read a message and its neighbours."""
        db, tenant = self.archive.db, await self.archive.tenant(params.tenant)
        standing = await self.archive.standing(tenant)
        channel = await self.archive.channel_of_message(tenant, params.message)
        older = await reading.messages_before(db, channel, params.message, params.before)
        own = await reading.messages_by_key(db, [(channel.id, params.message)])
        newer = await reading.messages_after(db, channel, params.message, params.after)
        window = MessageWindow(
            messages=(*older.messages, *own.values(), *newer.messages),
            has_older=older.has_older,
            has_newer=newer.has_newer,
        )
        return await self._answer(tenant, standing, channel, _behind(window, params.cursor))

    async def read_day(self, params: ReadDay) -> MessagesAnswer:
        """Read what was written in a channel on a day."""
        db, tenant = self.archive.db, await self.archive.tenant(params.tenant)
        standing = await self.archive.standing(tenant)
        channel = await self.archive.channel(tenant, params.channel)
        since, until = _day_in(params.day, params.zone)
        found = await reading.messages_within(
            db, channel, since=since, until=until, after=params.cursor, limit=_AT_ONCE + 1
        )
        window = await self._window(channel, found[:_AT_ONCE])
        return await self._answer(tenant, standing, channel, window, goes_on=len(found) > _AT_ONCE)

    async def _window(self, channel: ShownChannel, shown: Sequence[ShownMessage]) -> MessageWindow:
        """Find out whether a channel has messages beyond some of them; of none it is not known."""
        if not shown:
            return MessageWindow(messages=(), has_older=True, has_newer=True)
        older = await reading.messages_before(self.archive.db, channel, shown[0].platform_id, 0)
        newer = await reading.messages_after(self.archive.db, channel, shown[-1].platform_id, 0)
        return MessageWindow(messages=tuple(shown), has_older=older.has_older, has_newer=newer.has_newer)

    async def thread(self, params: Thread) -> MessagesAnswer:
        """Read a thread or post from its first message on."""
        tenant = await self.archive.tenant(params.tenant)
        standing = await self.archive.standing(tenant)
        channel = await self.archive.channel(tenant, params.thread, is_thread=True)
        window = await reading.messages_after(self.archive.db, channel, params.cursor, _AT_ONCE)
        return await self._answer(tenant, standing, channel, window, goes_on=window.has_newer)

    async def _answer(
        self,
        tenant: Tenant,
        standing: Standing,
        channel: ShownChannel,
        window: MessageWindow,
        *,
        goes_on: bool = False,
    ) -> MessagesAnswer:
        """Write as many messages as fit; ``goes_on``: what is behind the window is requested, too."""
        items = await MessageWriter(self.archive, tenant).written(channel, window.messages)
        count = fitting(items)
        is_cut = goes_on or count < len(items)
        shown = replace(window, messages=window.messages[:count], has_newer=window.has_newer or is_cut)
        words = self.archive.skip_words.of(tenant.id)
        holes = await reading.holes_of(self.archive.db, channel)
        is_proven = not any(hole.kind in (HoleKind.SKIPPED, HoleKind.UNREAD) for hole in holes)
        proven_until = standing["proven_until"] if is_proven else None
        notes = [
            *(standing["notes"] or ()),
            *([] if is_proven else [_UNREAD]),
            *_missing(place_holes(holes, shown, words)),
        ]
        return MessagesAnswer(
            **standing | {"notes": notes or None, "proven_until": proven_until},
            cut=is_cut,
            cursor=_cursor_of(items[:count]) if is_cut else None,
            channel=place_of(channel, words),
            has_older=window.has_older if items else None,
            has_newer=shown.has_newer if items and not is_cut else None,
            messages=items[:count],
        )


def _missing(placed: PlacedHoles) -> list[str]:
    """Say what is missing among messages, or behind them, or may be."""
    places = [(f"Before message {place}", hole) for place, some in placed.before.items() for hole in some]
    places += [("Behind the last message", hole) for hole in placed.behind]
    said = [f"{place}: {hole.words.rstrip('.')}." for place, hole in places]
    return said if len(said) <= _MOST_NOTES else [*said[:_MOST_NOTES], "More is missing; see coverage."]


def _behind(window: MessageWindow, cursor: str | None) -> MessageWindow:
    """Return the part of a window behind a message.

    Raises:
        Refused: that is not in it.
    """
    if cursor is None:
        return window
    ids = [message.platform_id for message in window.messages]
    if cursor not in ids:
        raise Refused(_BAD_CURSOR)
    return replace(window, messages=window.messages[ids.index(cursor) + 1 :], has_older=True)


def _cursor_of(shown: Sequence[MessageAnswer]) -> str | None:
    """Return behind which message the next answer begins."""
    return shown[-1].id if shown else None


def _day_in(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return when a day begins and ends in a time zone.

    Raises:
        Refused: there is no such zone, or the day is beyond all times.
    """
    of_zone = _zone(zone)
    try:
        begin, end = (datetime.combine(one, time(), of_zone) for one in (day, day + timedelta(days=1)))
        return begin.astimezone(UTC), end.astimezone(UTC)
    except OverflowError:
        raise Refused("day: nothing can have been sent then") from None


def _zone(name: str) -> tzinfo:
    try:
        is_offset = name.startswith(("+", "-"))
        return datetime.fromisoformat(f"2026-01-01T00:00{name}").tzinfo or UTC if is_offset else ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise Refused(f"zone: {name!r} is no time zone; give one such as UTC, Europe/Berlin or +05:30") from None
