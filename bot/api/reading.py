"""The calls by which the archive is read: windows of messages, one message, figures of the activity."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.reading_requests import MessagePage, MessagePath, StatisticsRange
from bot.api.reading_responses import (
    AttachmentView,
    BusyChannelView,
    DayView,
    MessageView,
    MessageWindowView,
    ReactionView,
    ReadChannelView,
    ReplyView,
    StatisticsView,
    UsedEmojiView,
)
from bot.api.tenants import find_tenant
from bot.links import file_link, message_link
from storage import reading
from storage.database import Database
from storage.reading import MessageWindow, ShownChannel, ShownMessage, Statistics

_USUAL_DAYS = timedelta(days=29)
_PLACES = ("before", "after", "around", "day")
_TOO_LONG = "It took too long and was cut off; ask for less."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingCalls:
    """Serves what is archived."""

    db: Database
    clock: Callable[[], datetime]

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/messages",
                summary="Messages of a channel, in their order, from any place in it: the newest, those before, after "
                "or around a message (which need not be archived), or from a day on.",
                handler=self.list_messages,
                params=MessagePage,
                body=NoParameters,
                results={200: MessageWindowView},
                problems={503: _TOO_LONG},
            ),
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/messages/{messageId}",
                summary="One message of a channel.",
                handler=self.show_message,
                params=MessagePath,
                body=NoParameters,
                results={200: MessageView},
            ),
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/stats",
                summary="A tenant's activity within some days: by day and hour, by channel, and the reactions given.",
                handler=self.show_statistics,
                params=StatisticsRange,
                body=NoParameters,
                results={200: StatisticsView},
                problems={503: _TOO_LONG},
            ),
        ]

    async def list_messages(self, params: MessagePage, _: NoParameters) -> Result:
        """Show a window of a channel's messages."""
        channel = await find_channel(self.db, params.tenant_id, params.channel)
        given = [name for name in _PLACES if getattr(params, name) is not None]
        if len(given) > 1:
            raise Problem(400, "invalid_query", f"give only one of {', '.join(given)}")
        window = await self._window(channel, params)
        shown = window.messages
        view = MessageWindowView(
            channel=_channel_view(channel),
            messages=[message_view(channel, message) for message in shown],
            before=shown[0].platform_id if shown and window.has_older else None,
            after=shown[-1].platform_id if shown and window.has_newer else None,
        )
        return Result(view)

    async def _window(self, channel: ShownChannel, params: MessagePage) -> MessageWindow:
        if params.day is not None:
            return await reading.day_window(self.db, channel, params.day, params.limit)
        if params.around is not None:
            return await reading.messages_around(self.db, channel, params.around, params.limit)
        if params.after is not None:
            return await reading.messages_after(self.db, channel, params.after, params.limit)
        return await reading.messages_before(self.db, channel, params.before, params.limit)

    async def show_message(self, params: MessagePath, _: NoParameters) -> Result:
        """Show one message."""
        channel = await find_channel(self.db, params.tenant_id, params.channel)
        key = channel.id, params.message_id
        found = (await reading.messages_by_key(self.db, [key])).get(key)
        if found is None:
            detail = f"there is no message {params.message_id} in the archive of channel {params.channel}"
            raise Problem(404, "no_such_message", detail)
        return Result(message_view(channel, found))

    async def show_statistics(self, params: StatisticsRange, _: NoParameters) -> Result:
        """Show the activity within some days."""
        tenant = await find_tenant(self.db, params.tenant_id)
        since, until = chosen_days(params.since, params.until, self.clock())
        first, end = span_of_days(since, until)
        found = await reading.statistics(self.db, tenant.id, since=first, until=end)
        return Result(_statistics_view(found, since, until))


async def find_channel(db: Database, tenant_id: str, channel_id: str) -> ShownChannel:
    """Return a channel, thread or post of a tenant.

    Raises:
        Problem: 404.
    """
    tenant = await find_tenant(db, tenant_id)
    channel = await reading.channel_of(db, tenant.id, channel_id)
    if channel is None:
        detail = f"there is no channel {channel_id} in {tenant_id}; GET /api/tenants/{tenant_id}/channels lists them"
        raise Problem(404, "no_such_channel", detail)
    return channel


def message_view(channel: ShownChannel, message: ShownMessage) -> MessageView:
    """Return a message of a channel as it is answered."""
    return MessageView(
        **{name: getattr(message, name) for name in _SAME},
        message_id=message.platform_id,
        channel_id=channel.platform_id,
        reply_to=_reply_view(message),
        attachments=[
            AttachmentView(
                **{name: value for name, value in asdict(file).items() if name != "platform_id"},
                id=file.platform_id,
                link=file_link(channel.tenant_id, file.platform_id),
            )
            for file in message.attachments
        ],
        reactions=[ReactionView(emoji=r.emoji, burst=r.burst, count=r.count) for r in message.reactions],
        link=message_link(channel.tenant_id, channel.platform_id, message.platform_id),
    )


_SAME = ("author_hash", "author_kind", "type", "content", "sent_at", "edited_at", "deleted_at", "metadata")


def _reply_view(message: ShownMessage) -> ReplyView | None:
    channel_id, message_id = message.reply_to_channel_platform_id, message.reply_to_message_platform_id
    if channel_id is None or message_id is None:
        return None
    return ReplyView(channel_id=channel_id, message_id=message_id, author_hash=message.reply_to_author_hash)


def _channel_view(channel: ShownChannel) -> ReadChannelView:
    return ReadChannelView(
        channel_id=channel.platform_id,
        name=channel.name,
        type=channel.type,
        parent_id=channel.parent_platform_id,
        skip_reason=channel.skip_reason,
    )


def _statistics_view(found: Statistics, since: date, until: date) -> StatisticsView:
    return StatisticsView(
        since=since,
        until=until,
        messages=found.messages,
        authors=found.authors,
        days=[DayView(day=date.fromisoformat(d.day), messages=d.messages, authors=d.authors) for d in found.days],
        hours=list(found.hours),
        channels=[
            BusyChannelView(channel_id=c.channel_platform_id, name=c.name, messages=c.messages, authors=c.authors)
            for c in found.channels
        ],
        reactions=[UsedEmojiView(emoji=use.emoji, count=use.count) for use in found.reactions],
    )


def chosen_days(since: date | None, until: date | None, now: datetime) -> tuple[date, date]:
    """Return the first and the last of some days (UTC): thirty until today where nothing is said."""
    last = until or now.astimezone(UTC).date()
    first = since or max(date.min + _USUAL_DAYS, last) - _USUAL_DAYS
    return min(first, last), max(first, last)


def span_of_days(since: date, until: date) -> tuple[datetime, datetime]:
    """Return the first instant of a day and the one behind the other; of the last day that there is, its last."""
    beginning = datetime.combine(since, time(), UTC)
    if until == date.max:
        return beginning, datetime.max.replace(tzinfo=UTC)
    return beginning, datetime.combine(until + timedelta(days=1), time(), UTC)
