"""A channel as a chat: windows that page both ways, from any message or day, with a thread beside them."""

from dataclasses import dataclass
from datetime import UTC, date
from typing import Annotated

from aiohttp import web
from pydantic import Field

from adapters.base import EmojiPictures
from bot.api import Api, ChannelId, Day, MessageId, Problem, TenantPath, find_channel, find_tenant, parameters_of
from bot.pages.addresses import SiteAddresses
from bot.pages.calendar import YEARS, Month, month_of
from bot.pages.conversation import Conversation, converse
from bot.pages.emoji import Pictures
from bot.pages.rendering import render_aside
from storage import reading
from storage.errors import QueryTooLong
from storage.reading import MessageWindow, ShownChannel

_MESSAGES = 50  # in a window
_THREADS = 25  # listed beside their channel; a page of their own has all
_PLACES = ("at", "before", "after", "day", "first")
_MONTH = "^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"


class ChannelQuery(TenantPath):
    """A channel, thread or post; without a place in it the newest messages."""

    channel_id: Annotated[ChannelId, Field(alias="channelId")]
    at: MessageId | None = None
    before: MessageId | None = None
    after: MessageId | None = None
    day: Day | None = None
    first: bool = False
    month: Annotated[str, Field(pattern=_MONTH)] | None = None
    beside: ChannelId | None = None


class TailQuery(TenantPath):
    """What was written behind a message, for a page that shows all from another one on."""

    channel_id: Annotated[ChannelId, Field(alias="channelId")]
    after: MessageId
    shown_from: Annotated[MessageId | None, Field(alias="from")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingPages:
    """Serves the pages on which a channel is read."""

    api: Api
    load_media: bool

    def routes(self) -> list[web.RouteDef]:
        """Return how they are requested."""
        path = "/tenants/{tenantId}/channels/{channelId}"
        return [web.get(path, self.show), web.get(f"{path}/tail", self.show_tail)]

    async def show(self, request: web.Request) -> web.Response:
        """Show a window of a channel."""
        params, db = parameters_of(request, ChannelQuery), self.api.db
        tenant = await find_tenant(db, params.tenant_id)
        channel = await find_channel(db, tenant.id, params.channel_id)
        window = await self._window(channel, params)
        conversation = await self._converse(channel, window, at=params.at)
        threads = await reading.threads_of(db, channel, limit=_THREADS + 1)
        return await render_aside(
            request,
            "channel.html",
            title=conversation.words(channel.name or f"unnamed {channel.platform_id}"),
            tenant=tenant,
            tenant_id=tenant.id,
            talk=conversation,
            month=await self._month(conversation, params.month),
            is_month_asked=params.month is not None,
            threads=threads[:_THREADS],
            has_more_threads=len(threads) > _THREADS,
            beside=await self._beside(tenant.id, params.beside),
            load_media=self.load_media,
        )

    async def show_tail(self, request: web.Request) -> web.Response:
        """Show what is behind a message, for a page that is open; 204: nothing is."""
        params, db = parameters_of(request, TailQuery), self.api.db
        channel = await find_channel(db, params.tenant_id, params.channel_id)
        window = await reading.messages_after(db, channel, params.after, _MESSAGES)
        if not window.messages:
            return web.Response(status=204)
        conversation = await self._converse(channel, window, shown_from=params.shown_from)
        return await render_aside(
            request, "tail.html", tenant_id=channel.tenant_id, talk=conversation, load_media=self.load_media
        )

    async def _window(self, channel: ShownChannel, params: ChannelQuery) -> MessageWindow:
        given = [name for name in _PLACES if getattr(params, name)]
        if len(given) > 1:
            raise Problem(400, "invalid_query", f"give only one of {', '.join(given)}")
        db = self.api.db
        if params.day is not None:
            return await reading.day_window(db, channel, params.day, _MESSAGES)
        if params.at is not None:
            return await reading.messages_around(db, channel, params.at, _MESSAGES)
        if params.after is not None or params.first:
            return await reading.messages_after(db, channel, params.after, _MESSAGES)
        return await reading.messages_before(db, channel, params.before, _MESSAGES)

    async def _month(self, talk: Conversation, wanted: str | None) -> Month | None:
        """Lay out the month that is wanted, or the one of the window; None where it takes too long to count."""
        try:
            ends = await reading.first_and_newest(self.api.db, talk.channel)
            first = date.fromisoformat(f"{wanted}-01") if wanted else self._month_shown(talk)
            counts = await reading.days_with_messages(self.api.db, talk.channel, first.year, first.month)
        except QueryTooLong:
            return None
        days = [end.sent_at.astimezone(UTC).date() for end in ends or ()]
        return month_of(first, counts, oldest=days[0] if days else None, newest=days[1] if days else None)

    def _month_shown(self, talk: Conversation) -> date:
        shown = talk.days[-1].day if talk.days else self.api.clock().astimezone(UTC).date()
        return shown.replace(day=1, year=min(max(shown.year, YEARS[0]), YEARS[-1]))

    async def _beside(self, tenant_id: str, thread_id: str | None) -> Conversation | None:
        """Load the thread that is open beside its channel, from its first message on."""
        if thread_id is None:
            return None
        thread = await find_channel(self.api.db, tenant_id, thread_id)
        window = await reading.messages_after(self.api.db, thread, None, _MESSAGES)
        return await self._converse(thread, window, prefix="b-")

    async def _converse(
        self,
        channel: ShownChannel,
        window: MessageWindow,
        *,
        at: str | None = None,
        prefix: str = "m-",
        shown_from: str | None = None,
    ) -> Conversation:
        return await converse(
            self.api.db,
            channel,
            window,
            SiteAddresses(tenant_id=channel.tenant_id),
            skip_words=self.api.skip_words.of(channel.tenant_id),
            pictures=self._pictures(channel.tenant_id),
            at=at,
            prefix=prefix,
            shown_from=shown_from,
        )

    def _pictures(self, tenant_id: str) -> Pictures | None:
        """Return what gives the addresses of a tenant's custom emoji; None where they are shown by their names."""
        adapter: object = self.api.adapters.get(self.api.follower.platform_of(tenant_id))
        return adapter.emoji_address if self.load_media and isinstance(adapter, EmojiPictures) else None
