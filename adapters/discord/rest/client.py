"""Make calls to Discord: each one paced, tried again after 1, 2 and 4 s, ended at once by a rate limit.

discord.py would sleep on a 429 and climb a 25 s ladder on a 5xx, and aiohttp re-sends a dropped GET by itself.
A trace on its session sees every answer first and raises before they can (docs/decisions/0003).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

import aiohttp
import discord
import orjson

from adapters.base import RequestCounts
from adapters.discord.rest.answers import json_or_text
from adapters.discord.rest.errors import ImpossibleAnswer, Transient, describe, rate_limit, route_of, to_platform_error
from adapters.discord.rest.rate_limiter import RateLimiter
from adapters.errors import CallFailed, RateLimited, UntrueAnswer
from adapters.health import RequestObserver

T = TypeVar("T")

discord.http.json_or_text = json_or_text  # docs/decisions/0003

_PAUSES = (1.0, 2.0, 4.0)  # seconds before each further attempt


def _from_json(text: Any) -> Any:
    """Parse an answer with orjson, which is faster, or with json where orjson refuses a lone surrogate."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


discord.utils._from_json = _from_json  # noqa: SLF001 (docs/decisions/0003)

_TRANSIENT = (Transient, aiohttp.ClientError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError, OSError)

# Repairs a header that is missing, not numeric or out of range, which the library assumes never happens.
_LIBRARY_SLIPS = (LookupError, ArithmeticError, ValueError, TypeError, AttributeError)


@dataclass(eq=False, slots=True)
class RequestScope:
    """What the calls of one sync share: their number, their place in the queue, the rate limit that ended them."""

    abort: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    requests: int = 0
    retries: int = 0
    queue_lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # held by the one request that waits to leave

    def end(self, error: Exception) -> None:
        """Refuse every further request with an error."""
        if not self.abort.done():
            self.abort.set_exception(error)

    @property
    def request_counts(self) -> RequestCounts:
        """Requests and retries so far."""
        return RequestCounts(requests=self.requests, retries=self.retries)


_current_scope: ContextVar[RequestScope | None] = ContextVar("discord_request_scope", default=None)


class RestClient:
    """Make the calls of all syncs of one bot."""

    def __init__(
        self,
        rate_limiter: RateLimiter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        observer: RequestObserver | None = None,
        *,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._rate_limiter = rate_limiter
        self._sleep = sleep
        self._observer = observer
        self._timeout_seconds = timeout_seconds
        self._scopes: set[RequestScope] = set()

    async def sync(
        self,
        body: Callable[[RequestScope], Awaitable[T]],
        on_rate_limit: Callable[[RateLimited], Awaitable[None]] | None = None,
    ) -> T:
        """Run ``body`` in a task of its own and end it at the first rate limit, whatever it waits for.

        ``on_rate_limit`` is called at once, while ``body`` may still be finishing what it must not tear apart.
        """
        scope = RequestScope()
        self._scopes.add(scope)
        task, is_cancelled = asyncio.create_task(_run_in_scope(scope, body)), False
        try:
            waited: set[asyncio.Future[Any]] = {task, scope.abort}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if scope.abort.done():
                scope.abort.result()
            return task.result()
        except RateLimited as e:
            is_cancelled = task.cancel()
            if on_rate_limit:
                await on_rate_limit(e)
            raise
        finally:
            self._scopes.discard(scope)
            scope.end(Transient("the sync has ended"))
            scope.abort.exception()  # marks it as retrieved
            if not is_cancelled:  # once: a second time would break off what it does in order to end
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def call(
        self,
        send: Callable[[], Coroutine[Any, Any, Any]],
        expected: type[T],
        channel_id: str | None = None,
        *,
        fault_of: Callable[[T], str | None] | None = None,
        for_reactions: bool = False,
    ) -> T:
        """Send a request, with retries, and return the body of its answer, of the expected JSON type.

        ``fault_of`` returns why a body is impossible, in plain words; such an answer counts as failed. Lists of who
        reacted have a pace of their own (``for_reactions``).

        Raises:
            CallFailed, ChannelUnreadable, CredentialRefused, RateLimited, TenantUnavailable: see adapters.errors.
        """
        attempts = 0
        try:
            while True:
                await self._rate_limiter.acquire(channel_id, _queue_lock(), for_reactions=for_reactions)
                attempts += 1
                try:
                    body = await self._send(send, expected)
                    if fault := fault_of(body) if fault_of else None:
                        raise ImpossibleAnswer(fault)
                    return body
                except _TRANSIENT:
                    if attempts > len(_PAUSES):
                        raise
                    _count_retry()
                await self._sleep(_PAUSES[attempts - 1])
        except discord.RateLimited as e:
            raise self._ended_by(RateLimited(retry_after_seconds=e.retry_after, scope="user")) from e
        except discord.HTTPException as e:
            raise to_platform_error(e, attempts) from e
        except _TRANSIENT as e:
            failed = UntrueAnswer if isinstance(e, ImpossibleAnswer) else CallFailed
            raise failed(describe(e), attempts=attempts) from e

    async def pause(self, seconds: float) -> None:
        """Wait as long as Discord asks for."""
        await self._sleep(seconds)

    def trace(self) -> aiohttp.TraceConfig:
        """Return the hook for discord.py's session. Traffic outside a sync (login, gateway) is left to the library."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(_on_start)
        trace.on_request_end.append(self._on_end)
        trace.on_request_exception.append(self._on_exception)
        return trace

    async def _on_exception(
        self, _: object, trace: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        if self._observer and not trace.is_answered:
            self._observer.on_response(route_of(params.method, params.url), None, _now() - trace.started)

    async def _on_end(self, _: object, trace: SimpleNamespace, params: aiohttp.TraceRequestEndParams) -> None:
        trace.is_answered = True
        if self._observer:
            route = route_of(params.method, params.url)
            self._observer.on_response(route, params.response.status, _now() - trace.started)
            if params.response.status == 429:
                self._observer.on_rate_limit(rate_limit(params.response.headers).scope)
        if _current_scope.get() is None:
            return
        status, headers = params.response.status, params.response.headers
        if status == 429:
            raise self._ended_by(rate_limit(headers))
        if status >= 500:
            raise Transient(f"Discord answered with status {status}")

    async def _send(self, send: Callable[[], Coroutine[Any, Any, Any]], expected: type[T]) -> T:
        request = asyncio.create_task(send())
        # Retrieved, whatever becomes of it: a shield that was cancelled no longer looks at what it shielded.
        request.add_done_callback(lambda done: done.cancelled() or done.exception())
        try:
            async with asyncio.timeout(self._timeout_seconds):
                # Shielded: cancelled while it leaves its bucket, discord.py would hold up the next request there for
                # 30 s. A request that has not left yet when its sync ends will not: the trace refuses it.
                body = await asyncio.shield(request)
        except TimeoutError:
            request.cancel()
            await asyncio.wait({request})
            raise
        except _TRANSIENT:
            raise
        except _LIBRARY_SLIPS as e:
            raise Transient(f"Discord answered in a way that the library cannot read ({type(e).__name__})") from e
        if not isinstance(body, expected):
            raise Transient(f"Discord answered with {type(body).__name__} where {expected.__name__} was due")
        return body

    def _ended_by(self, error: RateLimited) -> RateLimited:
        """End the sync that ran into a rate limit, or all of them where it concerns the whole bot."""
        scope = _current_scope.get()
        for ended in list(self._scopes) if error.is_global else [scope] if scope else []:
            ended.end(error)
        return error


def _queue_lock() -> AbstractAsyncContextManager[None]:
    scope = _current_scope.get()
    return scope.queue_lock if scope else nullcontext()


async def _run_in_scope(scope: RequestScope, body: Callable[[RequestScope], Awaitable[T]]) -> T:
    _current_scope.set(scope)
    return await body(scope)


def _count_retry() -> None:
    if scope := _current_scope.get():
        scope.retries += 1


async def _on_start(_: object, trace: SimpleNamespace, __: aiohttp.TraceRequestStartParams) -> None:
    scope = _current_scope.get()
    if scope is not None:
        if scope.abort.done():
            scope.abort.result()
        scope.requests += 1
    trace.started, trace.is_answered = _now(), False


def _now() -> float:
    return asyncio.get_running_loop().time()
