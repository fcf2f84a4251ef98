"""Decode Discord's answers: large ones in slices, and those that hold a lone surrogate.

The library's decoder would block the event loop, and refuses the surrogate, so that the page would fail at every sync.
A thread would not help with the former, since decoding holds the interpreter's lock.
"""

import json
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeAlias, TypeVar

import aiohttp
import orjson

from adapters.slices import Slices

LARGE = 1_000_000
"""Characters; decoding so many takes some milliseconds."""
_SPACE = re.compile(r"[ \t\n\r]*")
_LEVELS = 2  # nesting that is decoded in slices: the answer itself, and the lists in it

_decoder = json.JSONDecoder()

T = TypeVar("T")
Decoder: TypeAlias = Callable[[str], object | None]
"""Decodes an answer that is not large; None where that has to be done as for any other answer."""

_decoder_of_request: ContextVar[Decoder | None] = ContextVar("discord_answer_decoder", default=None)


async def decoded_by(decoder: Decoder, request: Awaitable[T]) -> T:
    """Await a request, of which an answer that is not large is decoded by ``decoder``."""
    token = _decoder_of_request.set(decoder)
    try:
        return await request
    finally:
        _decoder_of_request.reset(token)


async def json_or_text(response: aiohttp.ClientResponse) -> Any:
    """Replace the library's function of this name."""
    text = await response.text(encoding="utf-8")
    if response.headers.get("content-type") != "application/json":
        return text
    if len(text) >= LARGE:
        return await decode(text)
    special = _decoder_of_request.get()
    if special and (decoded := special(text)) is not None:
        return decoded
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return await decode(text)


async def decode(text: str, levels: int = _LEVELS) -> Any:
    """Decode JSON element by element down to some levels of nesting, yielding to the event loop.

    Raises:
        json.JSONDecodeError: the text is no JSON.
    """
    try:
        value, end = await _value(text, _skip(text, 0), levels, Slices())
    except RecursionError:
        raise json.JSONDecodeError("nested too deep", "", 0) from None
    if _skip(text, end) != len(text):
        raise json.JSONDecodeError("more than one value", "", 0)
    return value


async def _value(text: str, at: int, levels: int, slices: Slices) -> tuple[Any, int]:
    opening = text[at : at + 1]
    if not levels or opening not in ("[", "{"):
        return _decoder.raw_decode(text, at)
    closing = "]" if opening == "[" else "}"
    items: list[tuple[Any, Any]] = []
    at = _skip(text, at + 1)
    while text[at : at + 1] != closing or items:
        key = None
        if opening == "{":
            key, at = _decoder.raw_decode(text, at)
            if not isinstance(key, str):
                raise json.JSONDecodeError("a key that is no text", "", 0)
            at = _expect(text, at, ":")
        value, at = await _value(text, at, levels - 1, slices)
        items.append((key, value))
        await slices.give_way()
        at = _skip(text, at)
        if text[at : at + 1] == closing:
            break
        at = _expect(text, at, ",")
    return (dict(items) if opening == "{" else [value for _, value in items]), at + 1


def _expect(text: str, at: int, sign: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"no {sign} where one is due", "", 0)
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
