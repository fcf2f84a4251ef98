"""Whoever opens connections and says nothing takes the API from nobody, fills no log and holds up no end."""

import asyncio
import logging
import os
import resource
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.api.connections import Connections, listening_sockets, most_connections
from tests.support.patience import comes
from tests.support.silent import silent

MANY = 300


class Slipping:
    """A server whose first connections it fails to serve."""

    def __init__(self, server: web.Server, *slips: BaseException) -> None:
        self._server = server
        self._slips = list(slips)

    def __call__(self) -> web.RequestHandler:
        if self._slips:
            raise self._slips.pop(0)
        return self._server()


@asynccontextmanager
async def serving(connections: Connections, *slips: BaseException) -> AsyncIterator[int]:
    """A server with one quick call and one that waits, which slips first; gives its port."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def held(request: web.Request) -> web.Response:
        await asyncio.sleep(float(request.query["seconds"]))
        return web.Response(text="done")

    app = web.Application(middlewares=[connections.watch])
    app.add_routes([web.get("/healthz", health), web.get("/held", held)])
    runner = web.AppRunner(app, shutdown_timeout=2.0)
    await runner.setup()
    assert runner.server is not None
    sockets = listening_sockets("127.0.0.1", 0)
    try:
        server: Any = Slipping(runner.server, *slips)
        async with connections.accepting(server, sockets):
            yield sockets[0].getsockname()[1]
    finally:
        await runner.cleanup()


async def ask(port: int, path: str = "/healthz") -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as answer:
        return await answer.text()


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


@pytest.mark.slow
async def test_many_silent_connections_give_way_to_one_that_asks(caplog: pytest.LogCaptureFixture) -> None:
    connections = Connections(most=20)
    async with serving(connections) as port, silent(port, MANY):
        for _ in range(10):
            assert await ask(port) == "ok"
    assert warnings_of(caplog) == ["a connection to the API was closed to make room"]


@pytest.mark.slow
async def test_a_call_that_is_being_answered_is_not_cut() -> None:
    connections = Connections(most=4)
    async with serving(connections) as port:
        held = asyncio.create_task(ask(port, "/held?seconds=0.5"))
        async with silent(port, 30):
            assert await held == "done"


@pytest.mark.slow
async def test_where_all_are_being_answered_the_next_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(Connections(most=2)) as port:
        held = [asyncio.create_task(ask(port, "/held?seconds=1")) for _ in range(2)]
        await asyncio.sleep(0.3)
        refused = await asyncio.gather(ask(port), ask(port), return_exceptions=True)
        assert all(isinstance(error, aiohttp.ClientError) for error in refused)
        assert await asyncio.gather(*held) == ["done", "done"]
        assert await ask(port) == "ok"
    assert warnings_of(caplog) == ["a connection to the API was refused"]


@pytest.mark.slow
async def test_a_request_that_came_while_the_process_stood_still_is_answered() -> None:
    async with serving(Connections(first_request_seconds=1.0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(2.5)  # noqa: ASYNC251 # as a stopped process does
        assert b"200 OK" in await reader.readline()
        writer.close()


async def test_a_connection_without_a_request_is_cut_after_a_while() -> None:
    async with serving(Connections(first_request_seconds=0.1)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
            answers = await asyncio.wait_for(asyncio.gather(reader.read(100), return_exceptions=True), 20)
            assert answers == [b""] or isinstance(answers[0], ConnectionError)
        except TimeoutError:
            raise AssertionError("it is open after 20 s") from None
        finally:
            writer.close()


@pytest.mark.slow
async def test_without_descriptors_it_waits_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving(Connections(most=10 * MANY)) as port, silent(port, 1):
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 16, hard))
        try:
            async with silent(port, 100):
                await comes(lambda: warnings_of(caplog), "a line about it")
                await asyncio.sleep(0.5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        answers = await asyncio.gather(asyncio.wait_for(ask(port), 20), return_exceptions=True)
        assert answers == ["ok"], "it accepts again"
    assert warnings_of(caplog) == ["no connection to the API can be accepted"]


@pytest.mark.parametrize("slip", [RuntimeError("a slip"), asyncio.CancelledError(), OSError("reset")])
@pytest.mark.slow
async def test_a_connection_that_cannot_be_served_does_not_end_the_api(
    caplog: pytest.LogCaptureFixture, slip: BaseException
) -> None:
    async with serving(Connections(), slip) as port:
        async with asyncio.timeout(20):
            assert await ask(port) == "ok", "asked again"
    expected = [] if isinstance(slip, OSError) else ["no connection to the API can be accepted"]
    assert warnings_of(caplog) == expected


def test_the_most_follows_from_what_the_process_may_open() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert most_connections() == 64
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
