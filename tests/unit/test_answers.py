"""Large answers are decoded in slices, to the same as small ones."""

import json
from typing import Any

import aiohttp
import discord
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.rest.answers import decode, json_or_text
from tests.support.examples import examples
from tests.support.patience import turns_beside
from tests.support.payloads import LEAVES

VALUES = st.recursive(
    LEAVES.filter(lambda leaf: leaf == leaf),  # NaN is not equal to itself
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 0, 2]))
@settings(max_examples=examples(200))
@pytest.mark.slow
async def test_it_decodes_as_the_library_does(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert await decode(f" {text}\n") == json.loads(text)


@pytest.mark.parametrize(
    "text",
    ["", "[", "[1", "[1,", "[1,]", "[,]", "{", '{"a"', '{"a":', '{"a":1', '{"a":1,}', "{1:2}", "[1]]", "[1 2]", "nul"],
)
async def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        await decode(text)


@pytest.mark.slow
async def test_a_large_answer_does_not_hold_the_loop_up() -> None:
    """By the number of turns that others get, whatever the machine is doing."""
    answer, turns = await turns_beside(decode(json.dumps({"threads": [{"id": str(n)} for n in range(50_000)]})))
    assert len(answer["threads"]) == 50_000
    assert turns >= 4


async def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(json.JSONDecodeError):
        await decode("[" * 100_000)


async def answered(body: str) -> Any:
    """What the library makes of an answer with this body."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body.encode(), headers={"Content-Type": "application/json"})

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert site is not None
            return await discord.http.json_or_text(response)
    finally:
        await runner.cleanup()


async def test_the_library_takes_it() -> None:
    assert discord.http.json_or_text is json_or_text
    threads = {"threads": [{"id": str(n), "name": "x" * 50} for n in range(20_000)]}
    assert await answered(json.dumps(threads)) == threads


async def test_a_lone_surrogate_does_not_make_a_page_unreadable() -> None:
    assert await answered('[{"id": "1", "content": "half \\ud83d"}]') == [{"id": "1", "content": "half \ud83d"}]
