"""Make the requests of one sync of one guild: raw payloads in, records out."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any

from discord.http import Route

from adapters.base import RequestCounts
from adapters.discord.content import ContentWatch
from adapters.discord.convert import (
    Payload,
    channel_type,
    decode_page,
    last_id_before,
    message_records,
    own_messages,
    snowflake_time,
    thread_record,
    url_emoji,
)
from adapters.discord.evaluation import GuildEvaluation
from adapters.discord.gateway import GatewayClient
from adapters.discord.message_count import count_messages
from adapters.discord.message_page import PAGE_SIZE as _PAGE_SIZE
from adapters.discord.message_page import fault_of_page, message_page
from adapters.discord.reaction_users import FaultOf, reaction_users
from adapters.discord.rest import ChannelForbidden, RequestScope, RestClient, decoded_by
from adapters.discord.threads import archived_threads
from adapters.events import Stream
from adapters.pages import Access, MessagePage, ThreadCursor, ThreadPage, WantedUsers
from adapters.privacy import HashUser
from adapters.records import ChannelRecord, ChannelType


class DiscordSession:
    """A PlatformSession; raw payloads through discord.py's REST client, so that odd ones are kept and not raised."""

    def __init__(
        self, client: GatewayClient, guild_id: str, rest: RestClient, scope: RequestScope, hash_user: HashUser
    ) -> None:
        self._client = client
        self._http = client.http
        self._guild_id = int(guild_id)
        self._rest = rest
        self._scope = scope
        self._hash_user = hash_user
        self._content = ContentWatch(client, self._guild_id, rest)
        self.stream: Stream | None = None
        """The stream of the guild's events when its channels were listed last."""
        self._evaluation = GuildEvaluation(client, self._guild_id, rest, hash_user)

    @property
    def page_size(self) -> int:
        """The most that Discord gives in one answer."""
        return _PAGE_SIZE

    @property
    def request_counts(self) -> RequestCounts:
        """Requests sent and, among them, retries."""
        return self._scope.request_counts

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        """List the channels, the roles that decide who may read them, and the active threads: three requests, or one.

        ``only_channels`` leaves out the threads, and takes the roles from the gateway's payloads.
        """
        self.stream = self._client.stream(self._guild_id)
        return await self._evaluation.listing(only_channels=only_channels)

    @property
    def receives_changes(self) -> bool:
        """Whether the session in which the channels were listed is still the current one: no change has been missed."""
        current = self._client.stream(self._guild_id)
        return current is not None and self.stream is not None and current.id == self.stream.id

    async def access(self) -> Access:
        """Evaluate afresh who may read what: three requests, four where the bot may be the owner."""
        return await self._evaluation.access()

    async def confirm_membership(self) -> None:
        """Request the guild itself."""
        await self._evaluation.confirm_membership()

    async def archived_threads(
        self, channel_id: str, cursor: ThreadCursor | None, *, now: datetime, relist_reason: str | None = None
    ) -> AsyncIterator[ThreadPage]:
        """List the archived public threads that the cursor does not cover; one request where nothing is new."""

        async def fetch(before: str | None, fault_of: Callable[[Payload], str | None]) -> Payload:
            return await self._rest.call(
                lambda: self._http.get_public_archived_threads(int(channel_id), before, _PAGE_SIZE),
                dict,
                channel_id,
                fault_of=fault_of,
            )

        async for page in archived_threads(fetch, cursor, now=now, relist_reason=relist_reason):
            records = (thread_record(p, None, self._hash_user) for p in page.threads)
            yield ThreadPage(tuple(r for r in records if r), page.cursor, page.ids, page.after, page.before)

    async def find_channel(self, channel_id: str) -> ChannelRecord | None:
        """Request the channel itself; return None where it is no thread, since other payloads lack permissions."""
        payload = await self._rest.call(lambda: self._http.get_channel(int(channel_id)), dict, channel_id)
        is_thread = channel_type(payload) is ChannelType.THREAD
        return thread_record(payload, None, self._hash_user) if is_thread else None

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        """Return one page, by one request."""
        start = int(after or 0)

        def send() -> Coroutine[Any, Any, list[Any]]:
            return self._rest.call(
                lambda: decoded_by(decode_page, self._http.logs_from(int(channel_id), _PAGE_SIZE, after=start)),
                list,
                channel_id,
                fault_of=lambda body: fault_of_page(body, channel_id, start),
            )

        page = await self._content.page(channel_id, send)
        if not page and self._client.may_read(self._guild_id, parent_id or channel_id) is False:
            # Discord sends an empty list where the bot lacks Read Message History; the gateway's state may show that.
            # Where it does not, the empty page has yet to be proven.
            raise ChannelForbidden
        own = own_messages(page, channel_id)
        records = await message_records(own, channel_id, self._hash_user)
        return message_page(len(page), own, records, channel_id, start)

    async def reaction_users(
        self, channel_id: str, message_id: str, wanted: Sequence[WantedUsers]
    ) -> AsyncGenerator[Mapping[WantedUsers, Sequence[str]], None]:
        """Yield the users behind one emoji after the other, page by page up to its total or a page that is not full."""
        for one in wanted:
            yield {one: await self._users_of(channel_id, message_id, one)}

    async def _users_of(self, channel_id: str, message_id: str, wanted: WantedUsers) -> list[str]:
        place = int(channel_id), int(message_id), url_emoji(wanted.emoji)

        async def fetch(after: int | None, fault_of: FaultOf) -> list[Any]:
            return await self._rest.call(
                lambda: self._http.get_reaction_users(*place, _PAGE_SIZE, after, 1 if wanted.burst else 0),
                list,
                channel_id,
                fault_of=fault_of,
                for_reactions=True,
            )

        users = await reaction_users(fetch, wanted.total)
        return list(dict.fromkeys(map(self._hash_user, users)))

    def sent_at(self, message_id: str) -> datetime | None:
        """Read the time from the snowflake."""
        return snowflake_time(message_id)

    def cursor_at(self, when: datetime) -> str:
        """Return the last id before that millisecond."""
        return last_id_before(when)

    async def count_messages(self, channel_id: str) -> int | None:
        """Count by Discord's search: one request, and one or two more where it is not ready."""
        route = Route("GET", "/guilds/{guild_id}/messages/search", guild_id=self._guild_id)

        async def search() -> Payload:
            params = {"channel_id": channel_id, "include_nsfw": "true", "limit": "1"}
            return await self._rest.call(lambda: self._http.request(route, params=params), dict)

        return await count_messages(search, self._rest.pause)
