"""Discord as a platform: one bot that stays logged in whatever happens, and a session for each sync."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import ClassVar, TypeVar

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from adapters.base import PlatformSession, RequestObserver
from adapters.discord.config import DiscordOptions
from adapters.discord.gateway import GatewayClient, ignore
from adapters.discord.rest import RateLimiter, RequestScope, RestClient
from adapters.discord.session import DiscordSession
from adapters.errors import ContentWithheld, CredentialRefused, TenantUnavailable
from adapters.events import EventHandler, LiveEventHandler
from adapters.privacy import UserHasher

log = logging.getLogger(__name__)

T = TypeVar("T")

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
_FATAL_CLOSES = {
    4004: "Discord refuses the bot's token (DISCORD_BOT_TOKEN)",
    4010: "Discord refuses the shard that the bot requested",
    4011: "Discord wants this bot to use more shards",
    4012: "Discord no longer speaks the gateway version that this program uses",
    4013: "Discord does not know the intents that the bot requested",
    4014: "the bot has no Message Content intent",
}
_CONTENT_REMEDY = (
    "the bot may not read message content: switch on 'Message Content Intent' on the Bot page of the application "
    "at https://discord.com/developers/applications, then start again"
)
_REFUSAL_REMEDY = (
    "Discord refuses the bot's token: set DISCORD_BOT_TOKEN to the token from the Bot page of the application "
    "at https://discord.com/developers/applications"
)
_LONGEST_PAUSE_SECONDS = 60.0


class DiscordAdapter:
    """The PlatformAdapter for Discord.

    The library keeps its addresses in class attributes, so one process speaks to one Discord.
    """

    name: ClassVar[str] = "discord"
    id_pattern: ClassVar[str] = "[1-9][0-9]{0,19}"

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
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token = token
        self._hash_user = hasher.of
        rate_limiter = RateLimiter(options.requests_per_second, options.channel_requests_per_second)
        self._rest = RestClient(rate_limiter, sleep, observer, timeout_seconds=request_timeout_seconds)
        self._guild_ready_timeout_seconds = guild_ready_timeout_seconds
        self._identify_delay_seconds = identify_delay_seconds
        self._sleep = sleep
        self._client: GatewayClient | None = None
        if options.rest_url:
            Route.BASE = options.rest_url.rstrip("/")
        if options.gateway_url:
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(options.gateway_url)

    async def run(self, on_event: EventHandler, on_live_event: LiveEventHandler = ignore) -> None:
        """Stay connected until cancelled: a fresh client after every end of the last one."""
        pause = 1.0
        while True:
            client = self._client = self._new_client(on_event, on_live_event)
            try:
                await client.start(self._token)
                cause = "the connection ended"
            except Exception as e:  # the supervisor: whatever ended the client, a fresh one starts
                if fatal := _fatal(e):
                    raise fatal from e
                cause = type(e).__name__
            finally:
                was_ready = client.is_ready()
                await _close(client)
                await client.cancel_handlers()
            pause = 1.0 if was_ready else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            log.warning("disconnected from Discord", extra={"cause": cause, "retry_in_seconds": pause})
            await self._sleep(pause)

    def _new_client(self, on_event: EventHandler, on_live_event: LiveEventHandler) -> GatewayClient:
        return GatewayClient(
            on_event,
            on_live_event,
            trace=self._rest.trace(),
            hash_user=self._hash_user,
            guild_ready_timeout_seconds=self._guild_ready_timeout_seconds,
            identify_delay_seconds=self._identify_delay_seconds,
        )

    @property
    def unready_reason(self) -> str | None:
        """Why Discord cannot be used at present."""
        if self._client is None or not self._client.is_ready():
            return "not connected to Discord's gateway"
        return None

    @property
    def received_until(self) -> datetime | None:
        """Until when every event has been received, at most a heartbeat and a few seconds ago."""
        return self._client.received_until if self._client else None

    def is_member(self, tenant_platform_id: str) -> bool:
        """Return whether the bot is in this guild."""
        return self._client is not None and self._client.get_guild(int(tenant_platform_id)) is not None

    @property
    def invite_url(self) -> str | None:
        """Where an administrator adds the bot to a guild, with the permissions it needs."""
        if self._client is None or self._client.application_id is None:
            return None
        needed = discord.Permissions(view_channel=True, read_message_history=True, connect=True)
        return discord.utils.oauth_url(self._client.application_id, permissions=needed, scopes=("bot",))

    async def sync(self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]]) -> T:
        """Run ``body`` with a session of this guild; the first rate limit ends it at once."""
        client = self._client
        if client is None or not client.is_ready():
            raise TenantUnavailable("the bot is not connected to Discord at present")
        if not client.may_read_content:
            raise ContentWithheld(_CONTENT_REMEDY)

        async def with_session(scope: RequestScope) -> T:
            return await body(DiscordSession(client, tenant_platform_id, self._rest, scope, self._hash_user))

        return await self._rest.sync(with_session)


def _fatal(error: Exception) -> CredentialRefused | None:
    if isinstance(error, discord.LoginFailure):
        return CredentialRefused(_REFUSAL_REMEDY)
    if isinstance(error, discord.PrivilegedIntentsRequired):
        return CredentialRefused(_CONTENT_REMEDY)
    if isinstance(error, discord.ConnectionClosed) and error.code in _FATAL_CLOSES:
        if error.code == 4004:
            return CredentialRefused(_REFUSAL_REMEDY)
        return CredentialRefused(f"{_FATAL_CLOSES[error.code]} (close code {error.code})")
    return None


async def _close(client: GatewayClient) -> None:
    """End a client in whatever state it is; before its login the library's own close fails."""
    with suppress(Exception):
        await client.close()
    with suppress(Exception):
        await client.http.close()
