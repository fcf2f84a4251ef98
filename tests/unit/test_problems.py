"""Errors of the archive as problem documents."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.api.problems import problems
from storage.errors import DatabaseBusy, QueryTooLong, StorageError, UnknownTenant


@pytest.mark.parametrize(
    ("error", "status", "code", "words"),
    [
        (QueryTooLong, 503, "query_too_long", "Ask for less"),
        (DatabaseBusy, 503, "database_busy", "cannot be used at present"),
        (UnknownTenant, 404, "no_such_tenant", "No such tenant"),
    ],
)
async def test_an_error_says_what_can_be_done(error: type[StorageError], status: int, code: str, words: str) -> None:
    async def fail(_: web.Request) -> web.Response:
        raise error

    app = web.Application(middlewares=[problems])
    app.router.add_get("/", fail)
    async with TestClient(TestServer(app)) as client, client.get("/") as answer:
        problem = await answer.json()
        assert (answer.status, problem["code"]) == (status, code)
        assert words in problem["detail"]
