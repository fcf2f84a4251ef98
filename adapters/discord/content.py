"""Detect that Discord withholds message content, whatever the application's flags say, and report the cause.

A page without content in any message that should have some is only suspicious, since messages without any content
exist and have to be archived. Therefore other messages are sampled: ones that had content before, or that probably have
some.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.discord.convert import Payload, as_int, as_objects, as_payloads, is_blanked, shows_content, snowflake
from adapters.discord.gateway import GatewayClient
from adapters.discord.rest import RestClient
from adapters.errors import CallFailed, ChannelUnreadable, ContentWithheld

log = logging.getLogger(__name__)

CONTENT_REMEDY = (
    "the bot may not read message content: switch on 'Message Content Intent' on the Bot page of the application "
    "at https://discord.com/developers/applications, then start again"
)
_BLANKS = (
    "Discord sends messages without their content although the Message Content intent is on; nothing of them is "
    "stored. The next sync tries again; if it comes again, switch the intent off and on where the bot is registered"
)
_GRANTED = 0b11 << 18  # the application flags GATEWAY_MESSAGE_CONTENT and ..._LIMITED
_SAMPLE = 50  # messages
_CHANNELS_ASKED = 3

Send = Callable[[], Awaitable[list[Any]]]


class ContentWatch:
    """Checks the message pages of one sync of one guild for withheld content."""

    def __init__(self, client: GatewayClient, guild_id: int, rest: RestClient) -> None:
        self._client = client
        self._http = client.http
        self._guild_id = guild_id
        self._rest = rest
        self._bot_id = client.login.bot_id or ""
        self._seen: tuple[str, str] | None = None  # the last message that had content, with its channel

    async def page(self, channel_id: str, send: Send) -> list[Any]:
        """Request a page of messages; one request where nothing is suspicious, more where every message is blank.

        Raises:
            ContentWithheld: Discord withholds the content.
        """
        page = await send()
        if not is_blanked(as_payloads(page), self._bot_id):
            self._note(channel_id, page)
            return page
        if not await self._content_shows(channel_id, list(as_payloads(page))):
            raise ContentWithheld(await self._cause())
        return await send()  # again, since the first page may predate the moment at which content was granted

    def _note(self, channel_id: str, page: list[Any]) -> None:
        for message in as_payloads(page):
            if shows_content(message, self._bot_id) and (message_id := snowflake(message.get("id"))):
                self._seen = channel_id, message_id
                return

    async def _content_shows(self, channel_id: str, page: list[Payload]) -> bool:
        """Sample messages around, before and elsewhere in the guild; return whether the blanks can be genuine."""
        blanks = sum(shows_content(message, self._bot_id) is False for message in page)
        first = min((int(i) for message in page if (i := snowflake(message.get("id")))), default=0)
        samples: list[tuple[str, dict[str, int]]] = [(channel_id, {"before": first})]
        if self._seen is not None:
            samples.insert(0, (self._seen[0], {"after": int(self._seen[1]) - 1}))
        readable = self._client.readable_channels(self._guild_id)
        samples += [(other, {}) for other in readable if other != channel_id][:_CHANNELS_ASKED]
        for where, anchor in samples:
            found = await self._sample(where, anchor)
            verdicts = [shows_content(message, self._bot_id) for message in found]
            if True in verdicts:
                return True
            blanks += verdicts.count(False)
        return blanks == 1 and await self._is_granted() is True

    async def _sample(self, channel_id: str, anchor: dict[str, int]) -> list[Payload]:
        try:
            page = await self._rest.call(
                lambda: self._http.logs_from(int(channel_id), _SAMPLE, **anchor), list, channel_id
            )
        except (CallFailed, ChannelUnreadable):
            return []
        return as_objects(page)

    async def _is_granted(self) -> bool | None:
        """Request the application's current flags; None where the request fails."""
        try:
            application = await self._rest.call(self._http.application_info, dict)
        except CallFailed:
            return None
        return bool((as_int(application.get("flags")) or 0) & _GRANTED)

    async def _cause(self) -> str:
        is_granted = await self._is_granted()
        log.error("content is withheld", extra={"guild": str(self._guild_id), "is_granted": is_granted})
        return CONTENT_REMEDY if is_granted is False else _BLANKS
