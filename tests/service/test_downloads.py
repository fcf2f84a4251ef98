"""A download that is cut off never passes for a whole one, few run at once, and one that is left is let go of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.api.downloads import Download, Sent
from bot.api.endpoint import NoParameters
from bot.api.problems import Problem, problems
from storage.errors import DatabaseUnreachable


class Source:
    """Makes the parts of a download, as far as a test lets it."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.under_way = 0
        self.more = b"more,"
        self.error: Exception | None = None
        self.refusal: Problem | None = None

    async def handle(self, _: NoParameters) -> Sent:
        return Sent(parts=self.parts(), content_type="text/csv", filename="a.csv")

    async def parts(self) -> AsyncIterator[bytes]:
        if self.refusal:
            raise self.refusal
        self.under_way += 1
        try:
            yield b"first,"
            while not self.go_on.is_set():
                await asyncio.sleep(0.005)
                yield self.more
            if self.error:
                raise self.error
            yield b"last"
        finally:
            self.under_way -= 1

    async def sees(self, under_way: int) -> None:
        for _ in range(2_000):
            if self.under_way == under_way:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{self.under_way} are under way")


@asynccontextmanager
async def serving(source: Source, patience: timedelta = timedelta(minutes=1)) -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application(middlewares=[problems])
    call = Download(
        path="/file",
        summary="A file.",
        handler=source.handle,
        params=NoParameters,
        content_types=("text/csv",),
        patience=patience,
    )
    app.add_routes([call.route()])
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("/")) as session:
        yield session


async def test_few_run_at_once_and_one_that_is_left_is_let_go_of() -> None:
    source = Source()
    async with serving(source) as session:
        first, second = await session.get("/file"), await session.get("/file")
        assert await first.content.read(6) == b"first,"
        async with session.get("/file") as third:
            assert (third.status, (await third.json())["code"]) == (429, "too_many_downloads")
        first.close()
        await source.sees(1)
        async with session.head("/file") as head:
            assert (head.status, head.headers["Content-Disposition"]) == (200, 'attachment; filename="a.csv"')
        source.go_on.set()
        assert (await second.read()).endswith(b"last")
        await source.sees(0)


async def test_who_takes_nothing_more_is_cut_off_and_lets_others_in() -> None:
    source = Source()
    source.more = bytes(8 * 1024 * 1024)  # more than the buffers on the way hold
    async with serving(source, timedelta(milliseconds=50)) as session:
        idle = [await session.get("/file") for _ in range(2)]
        await source.sees(2)
        await source.sees(0)
        source.go_on.set()
        async with session.get("/file") as answer:
            assert await answer.read() == b"first,last"
        for one in idle:
            with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
                await one.read()


async def test_what_is_cut_off_does_not_end_in_order() -> None:
    source = Source()
    async with serving(source) as session:
        source.error = DatabaseUnreachable()
        source.go_on.set()
        async with session.get("/file") as answer:
            assert answer.status == 200
            with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
                await answer.read()
        source.error = None
        async with session.get("/file") as answer:
            assert await answer.read() == b"first,last"
        source.refusal = Problem(404, "no_such_channel", "there is none")
        async with session.get("/file") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")
