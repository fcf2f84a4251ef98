"""Whatever bytes arrive at the port: no 500, no traceback, and the server goes on."""

import asyncio
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.daemon import running_daemon
from tests.support.examples import examples

pytestmark = pytest.mark.usefixtures("restored_addresses")

CALLS = st.sampled_from(
    [
        b"GET /api/tenants",
        b"GET /api/jobs",
        b"GET /api/queue",
        b"DELETE /api/tenants/discord-1",
        b"POST /api/tenants",
        b"POST /api/tenants/discord-1/sync",
        b"GET /docs",
    ]
)
JUNK = st.binary(max_size=40)
LINES = st.one_of(
    st.sampled_from(
        [
            b"Host: localhost",
            b"Host: [::1",
            b"Content-Type: application/json",
            b"Content-Type: ;;=\xff",
            b"Content-Length: 5",
            b"Content-Length: 99999999999999999999",
            b"Transfer-Encoding: chunked",
            b"Content-Encoding: gzip",
            b"Content-Encoding: br",
            b"Expect: 100-continue",
            b"Expect: the unexpected",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Authorization: Bearer \xff\xfe",
            b"Origin: http://[",
            b"Sec-Fetch-Site: \xe9",
            b"Accept: application/openmetrics-text; version=\xff",
            b"Range: bytes=9-1",
            b"If-Modified-Since: never",
            b"Cookie: a=b; \x01",
        ]
    ),
    st.tuples(st.sampled_from([b"X-Junk: ", b"Host: ", b"Authorization: Bearer "]), JUNK).map(b"".join),
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Something between a request and noise."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    target = draw(CALLS) + draw(st.one_of(st.just(b""), JUNK.map(b"/".__add__), JUNK.map(b"?limit=".__add__)))
    lines = [target + b" HTTP/1.1", *draw(st.lists(LINES, max_size=5))]
    if draw(st.integers(0, 3)):
        lines.append(b"Host: localhost")
    body = draw(st.one_of(st.just(b""), JUNK, st.sampled_from([b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b'{"kind": 1}'])))
    return b"\r\n".join([*lines, b"", b""]) + body


@pytest.mark.parametrize("token", [None, "a-secret-of-a-test"])
@pytest.mark.slow
async def test_no_bytes_break_the_server(tmp_path: Path, token: str | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    database = f"sqlite+aiosqlite:///{tmp_path}/archive.db"
    secret = {"PLATFORM_SYNC_API_TOKEN": token} if token else {}
    async with Simulator(uniform_world(1, 1)) as sim, running_daemon(sim, database, settings=secret) as daemon:
        port = int(daemon.url.rpartition(":")[2])
        loop = asyncio.get_running_loop()

        @settings(max_examples=examples(150), derandomize=True, database=None, suppress_health_check=list(HealthCheck))
        @given(requests())
        @example(b"GET /api/tenants HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\r\n\r\n")
        @example(b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n")
        def send(request: bytes) -> None:
            answer = asyncio.run_coroutine_threadsafe(answered(port, request), loop).result(20)
            assert b"HTTP/1.1 5" not in answer, answer
            assert answer == b"" or answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), answer

        await asyncio.to_thread(send)
        assert (await daemon.ask("GET", "/healthz"))[0] == 200
    errors = [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert not errors, [record.getMessage() for record in errors]


async def answered(port: int, request: bytes) -> bytes:
    """All that comes back to a client that sends something and closes its half."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        writer.write_eof()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
