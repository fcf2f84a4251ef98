"""Carrying a fault out, down to the socket: what the client then sees is what a broken network shows."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import web

from adapters.discord.simulator.faults import Fault
from adapters.discord.simulator.limits import Refusal
from adapters.discord.simulator.responses import html_answer, json_answer, rate_limited

RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing sends RST instead of FIN
_EDGE_ERRORS = range(520, 530)  # Cloudflare's own statuses, which http.HTTPStatus does not name

Answer = Callable[[], web.Response]

_CURSORS = ("after", "before")


async def break_answer(request: web.Request, fault: Fault, answer: Answer) -> web.StreamResponse:
    """Return the answer to a request that a fault strikes; `answer` makes the one it would have got."""
    match fault.kind:
        case "status":
            return _error(fault)
        case "rate_limit":
            return rate_limited(Refusal(scope=fault.scope, retry_after_seconds=fault.retry_after))
        case "indexing":
            return _indexing(fault)
        case "invalid_json":
            return _with_broken_json(answer())
        case "hollow":
            return json_answer({"threads": [], "members": [], "has_more": True})
        case "lacking":
            return _lacking(answer())
        case "empty":
            return _emptied(answer())
        case "truncated":
            return await _truncated(request, answer())
        case "late":
            response = answer()
            await asyncio.sleep(fault.seconds)
            return response
        case "slow":
            await asyncio.sleep(fault.seconds)
            return answer()
        case "hang":
            await asyncio.Event().wait()  # ends when the client goes or the simulator stops
    return await _cut_off(request, with_reset=fault.kind == "reset")


def without_cursor(request: web.Request) -> web.Request:
    """Return the same request without its cursor, which is that for the first page."""
    return request.clone(rel_url=request.rel_url.without_query_params(*_CURSORS))


def _error(fault: Fault) -> web.Response:
    reason = "Cloudflare error" if fault.status in _EDGE_ERRORS else HTTPStatus(fault.status).phrase
    if fault.html or fault.status in _EDGE_ERRORS:
        return html_answer(fault.status, reason, via=fault.status not in _EDGE_ERRORS)
    return json_answer({"message": f"{fault.status}: {reason}", "code": 0}, fault.status)


def _indexing(fault: Fault) -> web.Response:
    body = {
        "message": "Index not yet available. Try again later",
        "code": 110000,
        "documents_indexed": 0,
        "retry_after": int(fault.retry_after),
    }
    return json_answer(body, 202)


def _with_broken_json(response: web.Response) -> web.Response:
    whole = _bytes_of(response)
    response.body = whole[: max(1, len(whole) // 2)] if len(whole) > 2 else b"{"
    return response


def _lacking(response: web.Response) -> web.Response:
    entries = json.loads(_bytes_of(response))
    if isinstance(entries, list) and entries:
        del entries[len(entries) // 2]
    response.body = json.dumps(entries).encode()
    return response


def _emptied(response: web.Response) -> web.Response:
    response.body = b"[]" if _bytes_of(response).startswith(b"[") else b"{}"
    return response


async def _truncated(request: web.Request, response: web.Response) -> web.StreamResponse:
    whole = _bytes_of(response)
    partial = web.StreamResponse(status=response.status, headers=response.headers)
    partial.content_length = max(2, len(whole))
    await partial.prepare(request)
    await partial.write(whole[: len(whole) // 2] or b"{")
    if request.transport is not None:
        request.transport.close()
    return partial


async def _cut_off(request: web.Request, *, with_reset: bool) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if with_reset and connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        transport.abort()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
    return web.Response()


def _bytes_of(response: web.Response) -> bytes:
    body = response.body
    return body if isinstance(body, bytes) else json.dumps(None).encode()
