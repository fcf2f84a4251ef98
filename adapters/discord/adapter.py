"""Discord as a platform: one bot that stays logged in whatever happens, and a session for each sync."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import ClassVar, TypeVar

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.base import PlatformSession
from adapters.discord.choice import choice_of
from adapters.discord.config import DiscordOptions
from adapters.discord.content import CONTENT_REMEDY
from adapters.discord.gateway import GatewayClient, division_of, ignore, part_name
from adapters.discord.reach import reach_of
from adapters.discord.rest import RateLimiter, RequestScope, RestClient
from adapters.discord.session import DiscordSession
from adapters.discord.words import WORDS
from adapters.errors import ContentWithheld, CredentialRefused, RateLimited, TenantUnavailable
from adapters.events import EventHandler, LiveEventHandler, Stream
from adapters.health import ConnectionHealth, RequestObserver
from adapters.parts import Division, Turn, no_turn
from adapters.privacy import UserHasher
from adapters.reach import Reach
from adapters.words import PlatformWords

T = TypeVar("T")

_REFUSAL_REMEDY = (
    "Discord refuses the bot's token: set DISCORD_BOT_TOKEN to the token from the Bot page of the application "
    "at https://discord.com/developers/applications"
)
# https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
_REFUSALS = {
    4004: _REFUSAL_REMEDY,
    4012: "Discord no longer speaks the gateway version that this program uses: install a newer one (close code 4012)",
    4013: "Discord does not know the intents that the bot requested (close code 4013)",
    4014: CONTENT_REMEDY,
}


class DiscordAdapter:
    """The PlatformAdapter for Discord.

    The library keeps its addresses in class attributes, so one process speaks to one Discord.
    """

    name: ClassVar[str] = "discord"
    id_pattern: ClassVar[str] = "[1-9][0-9]{0,19}"
    user_id_pattern: ClassVar[str] = id_pattern
    words: ClassVar[PlatformWords] = WORDS

    def __init__(
        self,
        *,
        token: str,
        options: DiscordOptions,
        hasher: UserHasher,
        observer: RequestObserver | None = None,
        guild_ready_timeout_seconds: float = 0.5,
        request_timeout_seconds: float = 30.0,
        identify_delay_seconds: float = 5.0,
        arrival_seconds: float = 30.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token = token
        self._hash_user = hasher.of
        self._choice = choice_of(options)
        self._shard_choice = options.shard_choice
        self._given: frozenset[str] = frozenset()
        self._rate_limiter = RateLimiter(
            options.requests_per_second, options.channel_requests_per_second, options.reaction_requests_per_second
        )
        self._rest = RestClient(self._rate_limiter, sleep, observer, timeout_seconds=request_timeout_seconds)
        self._guild_ready_timeout_seconds = guild_ready_timeout_seconds
        self._identify_delay_seconds = identify_delay_seconds
        self._arrival_seconds = arrival_seconds  # how long a sync waits for a guild whose GUILD_CREATE has not come yet
        self._sleep = sleep
        self._client: GatewayClient | None = None
        self._refusal: str | None = None
        if options.rest_url:
            Route.BASE = options.rest_url.rstrip("/")
        if options.gateway_url:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(options.gateway_url)

    async def run(self, on_event: EventHandler, on_live_event: LiveEventHandler = ignore, turn: Turn = no_turn) -> None:
        """Stay connected until cancelled."""
        client = self._client = GatewayClient(
            on_event,
            on_live_event,
            trace=self._rest.trace(),
            hash_user=self._hash_user,
            choice=self._choice,
            shard_choice=self._shard_choice,
            given=self._given,
            turn=turn,
            guild_ready_timeout_seconds=self._guild_ready_timeout_seconds,
            identify_delay_seconds=self._identify_delay_seconds,
            sleep=self._sleep,
        )
        try:
            await client.run(self._token)
        except discord.LoginFailure as e:
            raise self._refused(CredentialRefused(_REFUSAL_REMEDY)) from e
        except discord.ConnectionClosed as e:
            words = _REFUSALS.get(e.code, f"Discord refuses the bot (close code {e.code})")
            raise self._refused(CredentialRefused(words)) from e

    def _refused(self, error: CredentialRefused) -> CredentialRefused:
        self._refusal = str(error)
        return error

    async def communities(self) -> None:
        """Return None: a connection of its own takes no event from another one."""

    @property
    def unready_reason(self) -> str | None:
        """Why Discord cannot be used at present."""
        if self._refusal is not None:
            return self._refusal
        return self._client.unready_reason if self._client else "not connected to Discord's gateway"

    @property
    def health(self) -> ConnectionHealth:
        """State of the shards."""
        return self._client.health if self._client else ConnectionHealth()

    @property
    def shares_parts(self) -> bool:
        """Whether the bot's processes divide the shards among themselves, as the configuration says."""
        return self._shard_choice.is_shared

    @property
    def division(self) -> Division | None:
        """The shards: as many as the configuration says, else as Discord has recommended."""
        if self._client and self._client.shards:
            return self._client.shards.division
        return division_of(self._shard_choice.count) if self._shard_choice.count else None

    @property
    def held(self) -> frozenset[str]:
        """The shards that this process connects; those of the configuration also before it is logged in."""
        if self._client and self._client.shards:
            return self._client.shards.held
        choice = self._shard_choice
        if choice.count is None or choice.is_shared:
            return frozenset()
        return frozenset(part_name(shard, choice.count) for shard in choice.ids or range(choice.count))

    @property
    def ready_parts(self) -> frozenset[str]:
        """The shards with all events received and all guilds announced; none once Discord has refused the token."""
        if self._refusal is not None or not self._client or not self._client.shards:
            return frozenset()
        return self._client.shards.ready

    def hold(self, parts: frozenset[str]) -> None:
        """Connect these shards and no others; names of shards that there are not say nothing."""
        self._given = parts
        if self._client is not None:
            self._client.hold(parts)

    def take_share(self, share: float) -> None:
        """Send at most this share of the bot's requests."""
        self._rate_limiter.take_share(share)

    def received_until(self, part: str) -> datetime | None:
        """Until when every event of a shard has been received, at most a heartbeat and a few seconds ago."""
        return self._client.shards.received_until(part) if self._client and self._client.shards else None

    def is_member(self, tenant_platform_id: str) -> bool:
        """Return whether the bot is in this guild."""
        return self._client is not None and self._client.is_member(tenant_platform_id)

    def stream(self, tenant_platform_id: str) -> Stream | None:
        """Return the present stream of a guild's events."""
        return self._client.stream(int(tenant_platform_id)) if self._client else None

    def doubt(self, tenant_platform_id: str) -> Callable[[str], bool]:
        """Take note that a guild's events were not received; where several of a shard's were not, it begins anew."""
        return self._client.doubt(tenant_platform_id) if self._client else tenant_platform_id.__eq__

    @property
    def invite_url(self) -> str | None:
        """Where an administrator adds the bot to a guild, with the permissions it needs."""
        if self._client is None or self._client.login.application_id is None:
            return None
        needed = discord.Permissions(view_channel=True, read_message_history=True, connect=True)
        return discord.utils.oauth_url(self._client.login.application_id, permissions=needed, scopes=("bot",))

    @staticmethod
    def message_url(guild_id: str, channel_id: str, message_id: str) -> str:
        """Where Discord itself shows a message; a thread's id is that of its channel."""
        return f"https://discord.com/channels/{guild_id}/{channel_id}/{message_id}"

    async def reach(self) -> Reach | None:
        """Ask how many users the bot reaches: one request for every 200 guilds."""
        return await reach_of(self._client.login.http) if self._client else None

    def emoji_address(self, emoji_id: str, is_animated: bool, /) -> str:
        """Return where the picture of a custom emoji is (https://docs.discord.com/developers/reference#image-formatting)."""
        return f"https://cdn.discordapp.com/emojis/{emoji_id}.{'gif' if is_animated else 'png'}"

    async def sync(
        self,
        tenant_platform_id: str,
        body: Callable[[PlatformSession], Awaitable[T]],
        on_rate_limit: Callable[[RateLimited], Awaitable[None]] | None = None,
    ) -> T:
        """Run ``body`` with a session of this guild; the first rate limit ends it at once."""
        client = self._client
        if client is None or client.login.application_id is None:
            raise TenantUnavailable("the bot is not connected to Discord at present")
        if not await client.login.is_granted_content():
            raise ContentWithheld(CONTENT_REMEDY)
        if not await client.has_arrived(tenant_platform_id, self._arrival_seconds):
            raise TenantUnavailable("the bot is not in this guild at present, or Discord has an outage there")

        async def with_session(scope: RequestScope) -> T:
            return await body(DiscordSession(client, tenant_platform_id, self._rest, scope, self._hash_user))

        try:
            return await self._rest.sync(with_session, on_rate_limit)
        except CredentialRefused as e:
            raise self._refused(e) from None
