"""Call the running daemon through its API, with the token of the same configuration."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot.config import Config
from bot.hosts import is_loopback, reachable_hosts
from storage import processes
from storage.database import open_for_reading
from storage.errors import StorageError
from storage.processes import Process

_FOLLOW_SECONDS = 0.5
# an erasure may take hours, a single response not
_NO_TOTAL = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_KINDS = ("messages", "attachments", "reactions", "mentions")

Json = dict[str, Any]
"""The body of an answer; who asked knows its model."""


class DaemonRefused(Exception):
    """The daemon refused a request; the message says what it answered."""


class DaemonUnreachable(Exception):
    """Nothing at the API's address responds as the daemon would."""


def path_of(*parts: str) -> str:
    """Make a path of its parts, which people may have typed: each stays one part, whatever is in it.

    Raises:
        DaemonRefused: a part can be none.
    """
    for part in parts:
        if part in ("", ".", ".."):
            raise DaemonRefused(f"'{part}' is no id")
    return "/" + "/".join(quote(part, safe="") for part in parts)


class DaemonCalls:
    """The API of a daemon that has answered.

    Every call raises DaemonRefused where the daemon refuses, and DaemonUnreachable where it does not answer.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self.url = url

    async def get(self, path: str, **query: str) -> Json:
        """Read."""
        return await self._ask("GET", path, params=query)

    async def post(self, path: str, body: Mapping[str, object]) -> Json:
        """Request something, which may exist already."""
        return await self._ask("POST", path, json=dict(body))

    async def delete(self, path: str) -> Json:
        """Cancel or remove something."""
        return await self._ask("DELETE", path)

    async def unready(self) -> str | None:
        """Return why the daemon cannot work at present; None where it can."""
        status, answer = await self._answer("GET", "/readyz")
        return None if status == 200 else str(answer.get("detail", status))

    async def _ask(self, method: str, path: str, **options: Any) -> Json:
        status, answer = await self._answer(method, path, **options)
        url = self.url + path
        if status >= 500:
            why = answer.get("detail") or status
            raise DaemonUnreachable(f"the daemon at {url} cannot at present: {why}")
        if status not in (200, 201, 202):
            raise DaemonRefused(f"the daemon at {url} refused: {answer.get('detail', status)}")
        return answer

    async def _answer(self, method: str, path: str, **options: Any) -> tuple[int, Json]:
        url = self.url + path
        try:
            # As it is: otherwise ".." in it would lead elsewhere.
            async with self._session.request(method, URL(url, encoded=True), **options) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, OSError, ValueError, json.JSONDecodeError) as e:
            raise DaemonUnreachable(f"at {url} no daemon answers ({type(e).__name__})") from None
        if not isinstance(answer, dict):
            raise DaemonUnreachable(f"at {url} something else than the daemon answers")
        return response.status, answer


@asynccontextmanager
async def daemon_of(config: Config) -> AsyncIterator[DaemonCalls]:
    """Find the daemon that runs with a configuration.

    Raises:
        DaemonUnreachable: no daemon answers at the configured address, nor another process of its archive.
    """
    token = config.api_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    async with aiohttp.ClientSession(headers=headers, timeout=_NO_TOTAL) as session:
        yield await _found(session, config)


async def _found(session: aiohttp.ClientSession, config: Config) -> DaemonCalls:
    """Find the daemon at its configured address, or else another of the processes that share its archive."""
    silent = None
    for host in reachable_hosts(config.http.host):
        calls = DaemonCalls(session, f"http://{f'[{host}]' if ':' in host else host}:{config.http.port}")
        try:
            await calls.get("/healthz")
        except (DaemonUnreachable, DaemonRefused) as e:
            silent = silent or e
        else:
            return calls
    with suppress(StorageError):
        for process in await _running_processes(config):
            for url in _addresses(process):
                calls = DaemonCalls(session, url)
                if await _is(process, calls):
                    return calls
    raise DaemonUnreachable(str(silent or "no address is known of the daemon"))


def _addresses(process: Process) -> list[str]:
    """List where another process may be reached from here; one that listens on its own machine alone cannot be."""
    url = URL(process.address or "")
    if not url.host:
        return []
    hosts, is_here = reachable_hosts(url.host), process.host == socket.gethostname()
    if not is_here and is_loopback(hosts[0]):
        hosts = [] if is_loopback(url.host) else [process.host]  # it listens to all
    return [str(url.with_host(host)).rstrip("/") for host in hosts]


async def _is(process: Process, calls: DaemonCalls) -> bool:
    """Return whether it is this process that answers, and not one of another archive."""
    try:
        known = (await calls.get("/api/processes"))["processes"]
    except (DaemonUnreachable, DaemonRefused, KeyError):
        return False
    return any(each["id"] == process.id and each["is_this"] for each in known)


async def _running_processes(config: Config) -> list[Process]:
    """Return the processes that share the archive; on SQLite one has it alone, and answers where it is configured."""
    if config.database.url.startswith("sqlite"):
        return []
    db = await open_for_reading(config.database.url, hash_choice=config.hasher.choice)
    try:
        return [known.process for known in await processes.list_processes(db) if not known.is_away]
    finally:
        await db.close()


async def request_removal(
    config: Config, path: str, body: Mapping[str, object], on_removed: Callable[[dict[str, int]], None]
) -> dict[str, int]:
    """Request an erasure or an opt-out; return, once it is completed, what was removed.

    Args:
        config: the daemon's configuration.
        path: of the calls about such requests.
        body: the body of the request.
        on_removed: called now and then with the counts removed so far.

    Raises:
        DaemonRefused: it refuses.
        DaemonUnreachable: no response. A request that was accepted is durable, so that repeating it continues.
    """
    async with daemon_at_work(config) as daemon:
        request = await daemon.post(path, body)
        while request["completed_at"] is None:
            on_removed(_counts(request))
            await asyncio.sleep(_FOLLOW_SECONDS)
            request = await daemon.get(f"{path}/{request.get('request_id') or request['opt_out_id']}")
    return _counts(request)


@asynccontextmanager
async def daemon_at_work(config: Config) -> AsyncIterator[DaemonCalls]:
    """Find the daemon that has the archive open.

    Raises:
        DaemonUnreachable: no daemon answers at the configured address; it says what to do.
    """
    try:
        async with daemon_of(config) as daemon:
            yield daemon
    except DaemonUnreachable as e:
        remedy = "give this command the daemon's configuration, or stop the daemon first"
        raise DaemonUnreachable(f"a process works on the archive, and {e}: {remedy}") from None


def _counts(request: Json) -> dict[str, int]:
    return {name: int(request.get(name, 0)) for name in _KINDS}
