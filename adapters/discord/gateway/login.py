"""Log in, and request how the bot is to connect; retry as slowly as Discord requests.

It uses private parts of discord.py (docs/decisions/0003).
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import discord
from discord.gateway import DiscordWebSocket, ReconnectWebSocket
from discord.http import HTTPClient, Route

from adapters.discord.convert import Payload, as_int, as_object, snowflake
from adapters.discord.gateway.waits import Backoff, Waits, requested_wait
from adapters.discord.rest import drop_buckets_seldom

log = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS = 60.0
_GRANT_SECONDS = 60.0  # the greatest age of the granted flags when a session begins
_REFUSED_SECONDS = 1.0  # the least age of a refusal before it is requested again, by whichever sync comes first
_REQUEST_SECONDS = 10.0  # how long a sync waits for that
_CONTENT_FLAGS = 0b11 << 18  # https://discord.com/developers/docs/resources/application#application-object
_TOKEN = re.compile(r"[!-~]+")

# Voice is not used: this silences the library's warning that PyNaCl is missing.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


def intents() -> discord.Intents:
    """Return the intents to subscribe to. Message content is privileged; without it all content is blank.

    Polls are left out: each vote would be an event, and the archive keeps the counts of the message's payload.
    """
    return discord.Intents(guilds=True, guild_messages=True, guild_reactions=True, message_content=True)


class Login:
    """A bot that is logged in through discord.py's client, whose REST client lasts as long as this object."""

    def __init__(
        self, waits: Waits, trace: aiohttp.TraceConfig, *, on_socket: Callable[[DiscordWebSocket], None]
    ) -> None:
        """``on_socket`` is called with each gateway connection before its first frame."""
        self._waits = waits
        self._trace = trace
        self._on_socket = on_socket
        self._library = self._new_library()
        self.bot_id: str | None = None
        self.application_id: int | None = None
        self.application_flags = 0
        self._granted_at = 0.0
        self._refreshed_again_at = 0.0
        self._refreshing = asyncio.Lock()

    @property
    def library(self) -> discord.Client:
        """discord.py's client, which its gateway connections need."""
        return self._library

    @property
    def http(self) -> HTTPClient:
        """discord.py's REST client."""
        return self._library.http

    @property
    def may_read_content(self) -> bool:
        """Whether Discord grants this application the content of messages; otherwise it sends blanks."""
        return bool(self.application_flags & _CONTENT_FLAGS)

    async def is_granted_content(self) -> bool:
        """Return whether Discord grants the content of messages by now: a refusal of before is requested again.

        All syncs share one request, and where it fails the refusal stands.
        """
        async with self._refreshing:
            if not self.may_read_content and _now() >= self._refreshed_again_at:
                await self._refresh_refusal()
        return self.may_read_content

    async def _refresh_refusal(self) -> None:
        pause = _REFUSED_SECONDS
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                await self._ask_what_is_granted()
        except Exception as e:  # noqa: BLE001 (an odd answer may raise anything in the library)
            pause = max(pause, requested_wait(e) or 0.0)
            log.warning("what Discord grants cannot be requested", extra={"cause": cause_of(e)})
        self._refreshed_again_at = _now() + pause

    def share(self, shard_count: int) -> None:
        """Set the number of shards in the library."""
        self._library._connection.shard_count = shard_count  # noqa: SLF001 (decision 0003)

    async def log_in(self, token: str) -> None:
        """Log in, retrying until that succeeds.

        Raises:
            discord.LoginFailure: Discord refuses the token.
        """
        if not _TOKEN.fullmatch(token):
            raise discord.LoginFailure("this is no token")

        async def once() -> None:
            await self.close()
            self._library = self._new_library()
            await self._library._async_setup_hook()  # noqa: SLF001 (decision 0015)
            bot = as_object(await self.http.static_login(token))
            self.bot_id = snowflake(bot.get("id"))
            # aiohttp must not resend a GET whose connection dropped: such a request would not be counted.
            self.http._HTTPClient__session._retry_connection = False  # type: ignore[attr-defined]  # noqa: SLF001
            await self._ask_what_is_granted()

        await self.retried("the log-in", once)

    async def start_limit(self) -> Payload:
        """Request the session start limit and the recommended shards, and refresh the application's flags."""
        if _now() - self._granted_at > _GRANT_SECONDS:
            await self._ask_what_is_granted()
        try:
            return as_object(await self.http.request(Route("GET", "/gateway/bot")))
        except discord.HTTPException as e:
            raise _named(e) from e

    async def retried(self, what: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the result of a call, retrying until it succeeds; pause as long as requested, or ever longer.

        Raises:
            discord.LoginFailure: Discord refuses the token.
        """
        pauses = Backoff(2.0, 300.0)
        while True:
            try:
                async with asyncio.timeout(_SECONDS):
                    return await ask()
            except discord.LoginFailure:
                raise
            except Exception as e:  # noqa: BLE001 (an odd answer may raise anything in the library)
                requested, cause = requested_wait(e), cause_of(e)
            seconds = pauses.failed() if requested is None else requested
            facts = {"what": what, "cause": cause, "retry_in_seconds": round(seconds, 1)}
            log.warning("Discord cannot be reached", extra=facts)
            await self._waits.wait(seconds, f"{what} failed ({cause}): not tried again before")

    async def close(self) -> None:
        """Close the REST client; before the first log-in there is none."""
        await self.http.close()

    async def _ask_what_is_granted(self) -> None:
        try:
            answer = as_object(await self.http.application_info())
        except discord.HTTPException as e:
            raise _named(e) from e
        self._granted_at = _now()
        self.application_flags = as_int(answer.get("flags")) or 0
        application_id = snowflake(answer.get("id"))
        self.application_id = int(application_id) if application_id else None

    def _new_library(self) -> discord.Client:
        library = discord.Client(
            intents=intents(),
            http_trace=self._trace,
            # A bucket with a longer wait raises RateLimited instead of sleeping; 30 s is the library's minimum.
            max_ratelimit_timeout=30.0,
            max_messages=None,
            heartbeat_timeout=600.0,  # KeepAlive gives up an unresponsive gateway sooner
            enable_debug_events=False,
        )
        library._connection._update_references = self._on_socket  # type: ignore[method-assign,assignment]  # noqa: SLF001
        drop_buckets_seldom(library.http)
        return library


def cause_of(error: BaseException) -> str:
    """Describe a failure without the error's text, which may quote what was sent or received."""
    if isinstance(error, (discord.HTTPException, aiohttp.ClientResponseError)):
        return f"status {error.status}"
    if isinstance(error, discord.ConnectionClosed):
        return f"close code {error.code}"
    if isinstance(error, ReconnectWebSocket):
        return "the connection ended" if error.resume else "the session ended"
    return type(error).__name__


def _named(error: discord.HTTPException) -> discord.DiscordException:
    return discord.LoginFailure("Discord no longer accepts the token") if error.status == 401 else error


def _now() -> float:
    return asyncio.get_running_loop().time()
