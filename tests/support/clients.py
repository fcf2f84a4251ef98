"""Clients of the simulator: the real discord.py, a plain HTTP one, and a plain gateway one."""

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import discord
import pytest
import yarl

from adapters.discord.simulator import Simulator
from tests.support.patience import PATIENCE_SECONDS

KINDS = (discord.Client, discord.AutoShardedClient)


def point_at(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send discord.py there instead of to Discord, until the test is over."""
    monkeypatch.setattr(discord.http.Route, "BASE", simulator.rest_url)
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(simulator.gateway_url))


class Watched(discord.Client):
    """Mixin: remembers every event, and identifies again at once (the library would wait 5 s)."""

    def __init__(self, **options: Any) -> None:
        self.seen: list[str] = []
        self._news = asyncio.Event()
        defaults = {
            "intents": discord.Intents(34305),  # guilds, messages, reactions, message content
            "max_messages": None,
            "member_cache_flags": discord.MemberCacheFlags.none(),
            "chunk_guilds_at_startup": False,
            "guild_ready_timeout": 0.05,
        }
        super().__init__(**defaults | options)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """No waiting."""

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Remember the event, then do what the library does."""
        self.seen.append(event)
        self._news.set()
        super().dispatch(event, *args, **kwargs)

    async def until(self, event: str, times: int = 1) -> None:
        """Wait until an event has come so often since the client began."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.seen.count(event) < times:
                self._news.clear()
                await self._news.wait()


class WatchedClient(Watched):
    """discord.Client."""


class WatchedAutoSharded(Watched, discord.AutoShardedClient):
    """discord.AutoShardedClient."""


def client_of(kind: type[discord.Client], **options: Any) -> Watched:
    """A client of this kind, not yet logged in."""
    return WatchedAutoSharded(**options) if kind is discord.AutoShardedClient else WatchedClient(**options)


@contextlib.asynccontextmanager
async def logged_in(
    sim: Simulator, kind: type[discord.Client] = discord.Client, **options: Any
) -> AsyncIterator[Watched]:
    """A client that has reached on_ready. Leaving closes it; how start() ended is raised, if it failed."""
    client = client_of(kind, **options)
    running = asyncio.create_task(client.start(sim.world.token))
    ready = asyncio.create_task(client.until("ready"))
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if running.done():
            ready.cancel()
            running.result()
        await ready
        yield client
    finally:
        await client.close()
        await asyncio.wait_for(running, PATIENCE_SECONDS)


async def how_start_ends(client: discord.Client, token: str) -> BaseException | None:
    """What start() raises; the client is closed after it."""
    try:
        await asyncio.wait_for(client.start(token), PATIENCE_SECONDS)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is what the test asks for)
        return error
    finally:
        if not client.is_closed():
            await client.close()
    return None


class Api:
    """A plain HTTP client of the REST API."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self._base = sim.rest_url
        self._token = sim.world.token
        self._session = session

    async def get(self, path: str, *, token: str | None = None, **query: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body (parsed where it is JSON) and headers. Never sent twice."""
        headers = {"Authorization": f"Bot {token or self._token}"}
        async with self._session.get(self._base + path, params=query, headers=headers) as response:
            text = await response.text()
            is_json = response.headers["Content-Type"] == "application/json"
            return response.status, json.loads(text) if is_json else text, response.headers


@contextlib.asynccontextmanager
async def api_of(sim: Simulator) -> AsyncIterator[Api]:
    """An HTTP client for as long as a test needs it."""
    async with aiohttp.ClientSession() as session:
        session._retry_connection = False  # aiohttp would send a GET again by itself
        yield Api(sim, session)


class RawGateway:
    """A gateway client that sends nothing by itself."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, token: str) -> None:
        self.socket = socket
        self._token = token
        self._inflate = zlib.decompressobj()

    async def next(self) -> dict[str, Any]:
        """The next frame; a close frame as {"close": code}."""
        message = await self.socket.receive(timeout=PATIENCE_SECONDS)
        if message.type is aiohttp.WSMsgType.TEXT:
            return dict(json.loads(message.data))
        if message.type is aiohttp.WSMsgType.BINARY:
            return dict(json.loads(self._inflate.decompress(message.data)))
        return {"close": self.socket.close_code}

    async def until(self, event: str) -> list[dict[str, Any]]:
        """Frames up to and with an event of this name."""
        frames = [await self.next()]
        while frames[-1].get("t") != event:
            assert "close" not in frames[-1]
            frames.append(await self.next())
        return frames

    async def send(self, op: int, data: Any) -> None:
        """Send a frame."""
        await self.socket.send_str(json.dumps({"op": op, "d": data}))

    async def identify(self, intents: Any = 34305, **fields: Any) -> None:
        """Take the HELLO and IDENTIFY."""
        assert (await self.next())["op"] == 10
        await self.send(2, {"token": self._token, "intents": intents, "properties": {}, **fields})


@contextlib.asynccontextmanager
async def raw_gateway(sim: Simulator, *, compress: bool = False) -> AsyncIterator[RawGateway]:
    """A connection to the gateway, before its HELLO."""
    url = yarl.URL(sim.gateway_url).with_query(v="10", encoding="json")
    if compress:
        url = url.update_query(compress="zlib-stream")
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield RawGateway(socket, sim.world.token)
