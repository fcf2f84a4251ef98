"""One call to Discord is one operation: paced, tried again after 1, 2 and 4 s, ended at once by a rate limit.

discord.py would sleep on a 429 and climb a 25 s ladder on a 5xx, and aiohttp re-sends a dropped GET by itself.
A trace on its session sees every answer first and raises before they can (docs/decisions/0003).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiohttp
import discord
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_exponential

from adapters.base import (
    CallCounts,
    CallFailed,
    ChannelUnreadable,
    CredentialRefused,
    PlatformError,
    RateLimited,
    TenantUnavailable,
)
from adapters.records import SkipReason

T = TypeVar("T")

_ATTEMPTS = 4
_TIMEOUT_SECONDS = 30.0
_RETRY_AFTER_UNTOLD_SECONDS = 60.0
_SPACED_CHANNELS = 10_000  # channels whose last request is remembered

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes
_UNKNOWN_CHANNEL = 10003
_UNKNOWN_GUILD = 10004
_ACCESS_CODES = (50001, 50013)


class Transient(Exception):
    """Discord or the road to it failed; the same call may go well a little later."""


_TRANSIENT = (Transient, aiohttp.ClientError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError, OSError)


@dataclass(eq=False, slots=True)
class CallContext:
    """What the calls of one sync share: how many there were, and the rate limit that ended them."""

    abort: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    requests: int = 0
    retries: int = 0

    def end(self, error: Exception) -> None:
        """Let nothing more leave."""
        if not self.abort.done():
            self.abort.set_exception(error)

    @property
    def counts(self) -> CallCounts:
        """Requests and retries so far."""
        return CallCounts(requests=self.requests, retries=self.retries)


_context: ContextVar[CallContext | None] = ContextVar("discord_calls", default=None)


class Pace:
    """A fixed pace from the configuration: we track none of Discord's limits, we just never come near them."""

    def __init__(self, requests_per_second: float, channel_requests_per_second: float) -> None:
        self._everywhere = AsyncLimiter(1, 1 / requests_per_second)
        self._channel_gap = 1 / channel_requests_per_second
        self._free_at: dict[str, float] = {}

    async def wait(self, channel_id: str | None) -> None:
        """Return when the next request may leave. Not to be called twice at once for one channel."""
        loop = asyncio.get_running_loop()
        if channel_id is None:
            await self._everywhere.acquire()
            return
        delay = self._free_at.get(channel_id, 0.0) - loop.time()
        if delay > 0:
            await asyncio.sleep(delay)
        await self._everywhere.acquire()
        # Spaced from when it really leaves: waiting for the whole bot's turn must not bunch a channel's requests.
        now = loop.time()
        if len(self._free_at) >= _SPACED_CHANNELS:
            self._free_at = {channel: free_at for channel, free_at in self._free_at.items() if free_at > now}
        self._free_at[channel_id] = now + self._channel_gap


class Calls:
    """Makes the calls of all syncs of one bot."""

    def __init__(self, pace: Pace, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._pace = pace
        self._sleep = sleep
        self._running: set[CallContext] = set()

    async def sync(self, body: Callable[[CallContext], Awaitable[T]]) -> T:
        """Run ``body`` in a task of its own and end it at the first rate limit, whatever it waits for."""
        context = CallContext()
        self._running.add(context)
        task = asyncio.create_task(_in_context(context, body))
        try:
            waited: set[asyncio.Future[Any]] = {task, context.abort}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if context.abort.done():
                context.abort.result()
            return task.result()
        finally:
            self._running.discard(context)
            context.end(Transient("the sync has ended"))
            context.abort.exception()  # has been seen
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def call(
        self, send: Callable[[], Coroutine[Any, Any, Any]], expected: type[T], channel_id: str | None = None
    ) -> T:
        """The body of one answer, of the expected JSON type.

        Raises:
            CallFailed, ChannelUnreadable, CredentialRefused, RateLimited, TenantUnavailable: see adapters.base.
        """
        attempts = 0
        retrying = AsyncRetrying(
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_exponential(multiplier=1, min=1, max=4),
            retry=retry_if_exception_type(_TRANSIENT),
            before_sleep=_count_retry,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    await self._pace.wait(channel_id)
                    return await _once(send, expected)
        except discord.RateLimited as e:
            raise self._limited(RateLimited(retry_after_seconds=e.retry_after, scope="user")) from e
        except discord.HTTPException as e:
            raise _refusal(e, attempts) from e
        except _TRANSIENT as e:
            raise CallFailed(_describe(e), attempts=attempts) from e
        raise AssertionError("a retry loop returns or raises")

    def trace(self) -> aiohttp.TraceConfig:
        """The hook for discord.py's session. Traffic outside a sync (login, gateway) keeps the library's ways."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(_on_start)
        trace.on_request_end.append(self._on_end)
        return trace

    async def _on_end(self, _: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        if _context.get() is None:
            return
        status, headers = params.response.status, params.response.headers
        if status == 429:
            raise self._limited(_rate_limit(headers))
        if status >= 500:
            raise Transient(f"Discord answered with status {status}")

    def _limited(self, error: RateLimited) -> RateLimited:
        context = _context.get()
        for other in list(self._running) if error.is_global else [context] if context else []:
            other.end(error)
        return error


async def _in_context(context: CallContext, body: Callable[[CallContext], Awaitable[T]]) -> T:
    _context.set(context)
    return await body(context)


async def _once(send: Callable[[], Coroutine[Any, Any, Any]], expected: type[T]) -> T:
    request = asyncio.create_task(send())
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            # Shielded: cancelled while it leaves its bucket, discord.py would hold up the next request there for 30 s.
            # A request that has not left yet when its sync ends will not: the trace refuses it.
            body = await asyncio.shield(request)
    except TimeoutError:
        request.cancel()
        await asyncio.wait({request})
        raise
    if not isinstance(body, expected):
        raise Transient(f"Discord answered with {type(body).__name__} where {expected.__name__} was due")
    return body


def _count_retry(_: RetryCallState) -> None:
    if context := _context.get():
        context.retries += 1


async def _on_start(_: object, __: object, ___: aiohttp.TraceRequestStartParams) -> None:
    context = _context.get()
    if context is None:
        return
    if context.abort.done():
        context.abort.result()
    context.requests += 1


def _rate_limit(headers: Any) -> RateLimited:
    try:
        retry_after = max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        retry_after = _RETRY_AFTER_UNTOLD_SECONDS
    if "Via" not in headers:
        scope = "cloudflare"
    elif headers.get("X-RateLimit-Global"):
        scope = "global"
    else:
        scope = headers.get("X-RateLimit-Scope", "user")
    return RateLimited(retry_after_seconds=retry_after, scope=scope)


def _refusal(error: discord.HTTPException, attempts: int) -> PlatformError:
    if error.status == 401:
        return CredentialRefused("Discord no longer accepts the bot's token")
    if error.code == _UNKNOWN_CHANNEL:
        return ChannelUnreadable(SkipReason.DELETED)
    if error.code == _UNKNOWN_GUILD:
        return TenantUnavailable("Discord knows no such guild, or the bot is not in it")
    if error.status == 403 and error.code in _ACCESS_CODES:
        return ChannelUnreadable(SkipReason.BOT_LACKS_ACCESS)
    # Never the body's text: it may repeat what was sent.
    return CallFailed(f"Discord refused the call: status {error.status}, code {error.code}", attempts=attempts)


def _describe(error: BaseException) -> str:
    if isinstance(error, Transient):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"Discord did not answer within {_TIMEOUT_SECONDS:g} s"
    if isinstance(error, ValueError):
        return "Discord answered with something that is not JSON"
    return f"the connection to Discord failed ({type(error).__name__})"
