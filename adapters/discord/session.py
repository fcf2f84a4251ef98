"""What one sync asks of Discord about one guild: raw payloads in, records out."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from discord.http import Route

from adapters.base import CallCounts, ThreadCursor, ThreadPage
from adapters.discord.convert import (
    HashUser,
    Payload,
    as_objects,
    message_record,
    snowflake,
    snowflake_before,
    snowflake_time,
    thread_record,
    url_emoji,
)
from adapters.discord.gateway import GatewayClient
from adapters.discord.message_count import count_messages
from adapters.discord.permissions import Listing, Principal
from adapters.discord.rest import EmojiGone, RequestScope, RestClient
from adapters.discord.threads import archived_threads
from adapters.errors import CallFailed, ChannelUnreadable, TenantUnavailable
from adapters.records import ChannelRecord, MessageRecord, SkipReason

T = TypeVar("T")

_PAGE = 100  # the most that Discord gives at once, of messages and of threads


class DiscordSession:
    """A PlatformSession; raw payloads through discord.py's REST client, so that odd ones are kept and not raised."""

    def __init__(
        self, client: GatewayClient, guild_id: str, calls: RestClient, context: RequestScope, hash_user: HashUser
    ) -> None:
        self._client = client
        self._http = client.http
        self._guild_id = int(guild_id)
        self._calls = calls
        self._context = context
        self._hash_user = hash_user

    @property
    def page_size(self) -> int:
        """The most that Discord gives at once."""
        return _PAGE

    @property
    def counts(self) -> CallCounts:
        """Requests sent and, among them, retries."""
        return self._context.counts

    async def channels(self) -> tuple[ChannelRecord, ...]:
        """Three requests: the channels, the roles that say who may read them, the active threads."""
        guild_id, bot = self._guild_id, self._bot()
        channels, roles, active = (
            await self._of_guild(lambda: self._http.get_all_guild_channels(guild_id), list),
            await self._of_guild(lambda: self._http.get_roles(guild_id), list),
            await self._of_guild(lambda: self._http.get_active_threads(guild_id), dict),
        )
        listing = Listing(str(guild_id), as_objects(roles), bot, self._hash_user)
        found = listing.channels(as_objects(channels), self._client.hidden_channels(guild_id))
        return (*found, *listing.threads(as_objects(active.get("threads"))))

    async def archived_threads(self, channel_id: str, cursor: ThreadCursor | None) -> AsyncIterator[ThreadPage]:
        """Archived public threads that the cursor does not cover; one request where nothing is new."""

        async def fetch(before: str | None) -> Payload:
            return await self._calls.call(
                lambda: self._http.get_public_archived_threads(int(channel_id), before, _PAGE),
                dict,
                channel_id,
            )

        async for payloads, next_cursor in archived_threads(fetch, cursor):
            records = (thread_record(p, None, self._hash_user) for p in payloads)
            yield ThreadPage(tuple(r for r in records if r), next_cursor)

    async def find_channel(self, channel_id: str) -> SkipReason | None:
        """Asks for the channel itself."""
        try:
            await self._calls.call(lambda: self._http.get_channel(int(channel_id)), dict, channel_id)
        except ChannelUnreadable as e:
            return e.reason
        return None

    async def messages(
        self, channel_id: str, after: str | None, *, parent_id: str | None = None
    ) -> tuple[MessageRecord, ...]:
        """One page, one request."""
        start = int(after or 0)
        page = await self._calls.call(
            lambda: self._http.logs_from(int(channel_id), _PAGE, after=start), list, channel_id
        )
        if not page and not self._may_read_past(parent_id or channel_id):
            # Discord shows an empty channel to whoever may not read its past.
            raise ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS)
        records = [r for p in as_objects(page) if (r := message_record(p, channel_id, self._hash_user))]
        records.sort(key=lambda record: int(record.platform_id))
        if page and not records:
            raise CallFailed("Discord sent a page in which no message has an id", attempts=1)
        return tuple(records)

    async def reaction_users(
        self, channel_id: str, message_id: str, emoji: str, *, burst: bool, total: int
    ) -> list[str]:
        """The users behind one emoji, by pages of 100; ends at the total or at a page that is not full."""
        found: dict[str, None] = {}
        after: str | None = None
        while len(found) < total:
            try:
                page = as_objects(await self._reaction_page(channel_id, message_id, url_emoji(emoji), after, burst))
            except EmojiGone:
                break
            users = [user_id for user in page if (user_id := snowflake(user.get("id")))]
            found |= dict.fromkeys(map(self._hash_user, users))
            if len(page) < _PAGE or not users:
                break
            after = users[-1]
        return list(found)

    def sent_at(self, message_id: str) -> datetime | None:
        """A snowflake tells when it was made."""
        return snowflake_time(message_id)

    def cursor_at(self, timestamp: datetime) -> str:
        """The last id before that millisecond."""
        return snowflake_before(timestamp)

    async def count_messages(self, channel_id: str) -> int | None:
        """By Discord's search: one request, and one or two more where it is not ready."""
        route = Route("GET", "/guilds/{guild_id}/messages/search", guild_id=self._guild_id)

        async def ask() -> Payload:
            asked = {"channel_id": channel_id, "include_nsfw": "true", "limit": "1"}
            return await self._calls.call(lambda: self._http.request(route, params=asked), dict)

        return await count_messages(ask, self._calls.pause)

    async def _reaction_page(
        self, channel_id: str, message_id: str, emoji: str, after: str | None, burst: bool
    ) -> list[Any]:
        return await self._calls.call(
            lambda: self._http.get_reaction_users(
                int(channel_id), int(message_id), emoji, _PAGE, int(after) if after else None, 1 if burst else 0
            ),
            list,
            channel_id,
        )

    async def _of_guild(self, send: Callable[[], Coroutine[Any, Any, Any]], expected: type[T]) -> T:
        try:
            return await self._calls.call(send, expected)
        except ChannelUnreadable as e:
            raise TenantUnavailable("Discord no longer lets the bot into this guild") from e

    def _bot(self) -> Principal:
        guild = self._client.get_guild(self._guild_id)
        if guild is None or guild.unavailable or guild.me is None:
            raise TenantUnavailable("the bot is not in this guild at present, or Discord has an outage there")
        roles = frozenset(str(role.id) for role in guild.me.roles) | {str(guild.id)}
        return Principal(role_ids=roles, user_id=str(guild.me.id), is_owner=guild.owner_id == guild.me.id)

    def _may_read_past(self, channel_id: str) -> bool:
        """By the gateway's word, which comes in time; a thread is asked for by its parent."""
        guild = self._client.get_guild(self._guild_id)
        channel = guild.get_channel(int(channel_id)) if guild else None
        if guild is None or channel is None:
            return False
        return channel.permissions_for(guild.me).read_message_history
