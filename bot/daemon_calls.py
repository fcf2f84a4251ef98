"""Request an erasure from the running daemon through its API, and follow it to its end."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from bot.config import Config
from bot.hosts import reachable_hosts

_FOLLOW_SECONDS = 0.5
# an erasure may take hours, a single response not
_NO_TOTAL = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_KINDS = ("messages", "attachments", "reactions", "mentions")


class DaemonRefused(Exception):
    """The daemon that works on the archive refused a request."""


class DaemonUnreachable(Exception):
    """Nothing at the API's address responds as the daemon would."""


async def request_erasure(
    config: Config, erasure: dict[str, str | None], on_removed: Callable[[dict[str, int]], None]
) -> dict[str, int]:
    """Request an erasure; return, once it is completed, what was removed.

    Args:
        config: the daemon's configuration.
        erasure: the body of the request.
        on_removed: called now and then with the counts removed so far.

    Raises:
        DaemonRefused: it refuses.
        DaemonUnreachable: no response. A request that was accepted is durable, so that repeating it continues.
    """
    token = config.api_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    async with aiohttp.ClientSession(headers=headers, timeout=_NO_TOTAL) as session:
        base, request = await _first_answer(session, config, erasure)
        while request["completed_at"] is None:
            on_removed(_counts(request))
            await asyncio.sleep(_FOLLOW_SECONDS)
            request = await _ask(session, "GET", f"{base}/{request['request_id']}")
    return _counts(request)


async def _first_answer(
    session: aiohttp.ClientSession, config: Config, erasure: dict[str, str | None]
) -> tuple[str, dict[str, Any]]:
    silent = None
    for host in reachable_hosts(config.http.host):
        url = f"http://{f'[{host}]' if ':' in host else host}:{config.http.port}/api/forgotten-users"
        try:
            return url, await _ask(session, "POST", url, erasure)
        except DaemonUnreachable as e:
            silent = silent or e
    raise silent or DaemonUnreachable("no address is known of the daemon")


async def _ask(
    session: aiohttp.ClientSession, method: str, url: str, body: dict[str, str | None] | None = None
) -> dict[str, Any]:
    try:
        async with session.request(method, url, json=body) as response:
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, OSError, ValueError, json.JSONDecodeError) as e:
        raise DaemonUnreachable(
            f"a process works on the archive, and at {url} no daemon answers ({type(e).__name__}): "
            "give this command the daemon's configuration, or stop the daemon first"
        ) from None
    if response.status >= 500:
        raise DaemonUnreachable(f"the daemon at {url} cannot at present ({response.status})")
    if not isinstance(answer, dict) or response.status not in (200, 202):
        detail = answer.get("detail", response.status) if isinstance(answer, dict) else response.status
        raise DaemonRefused(f"the daemon at {url} refused: {detail}")
    return answer


def _counts(request: dict[str, Any]) -> dict[str, int]:
    return {name: int(request.get(name, 0)) for name in _KINDS}
