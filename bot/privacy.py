"""One person's wish, from the command line: to be forgotten, or to see what is held about them.

Neither writes the person's id anywhere. While a daemon works on a SQLite archive it alone writes: the wish goes to it.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

import aiohttp
import orjson

from bot.config import Config
from storage import privacy
from storage.database import open_database, open_for_reading
from storage.errors import DatabaseInUse
from storage.privacy import export_user


class DaemonRefused(Exception):
    """The daemon that works on the archive refused a request."""


async def forget(
    config: Config,
    platform: str,
    user_id: str,
    user_hash: str,
    *,
    hash_choice: str,
    tenant_id: str | None,
    clock: Callable[[], datetime],
) -> dict[str, int]:
    """Remove a person's traces, and return how many of each kind there were.

    Raises:
        StorageError: the archive cannot be used.
        DaemonRefused: a daemon works on it and cannot be reached, or refuses.
    """
    try:
        db = await open_database(config.database.url, hash_choice=hash_choice)
    except DatabaseInUse:
        return await _request_erasure(config, {"platform": platform, "user_id": user_id, "tenant_id": tenant_id})
    try:
        counts = await privacy.erase_user(db, user_hash, tenant_id=tenant_id, now=clock())
    finally:
        await db.close()
    return {name: getattr(counts, name) for name in ("messages", "attachments", "reactions", "mentions")}


async def _request_erasure(config: Config, erasure: dict[str, str | None]) -> dict[str, int]:
    http, token = config.http, config.api_token
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    host = http.host if http.is_loopback else "127.0.0.1"
    url = f"http://{f'[{host}]' if ':' in host else host}:{http.port}/api/forgotten-users"
    try:
        async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=erasure) as response:
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, json.JSONDecodeError) as e:
        raise DaemonRefused(
            f"a daemon works on the archive, and at {url} none answers ({type(e).__name__}): "
            "give this command the daemon's configuration, or stop the daemon first"
        ) from e
    if response.status != 200:
        raise DaemonRefused(f"the daemon at {url} refused: {answer.get('detail', response.status)}")
    return {str(name): int(count) for name, count in answer.items()}


async def export(
    config: Config, user_hash: str, *, hash_choice: str, tenant_id: str | None, output: BinaryIO
) -> dict[str, int]:
    """Write what is held about a person as JSON Lines, and return how many there are of each kind.

    Raises:
        StorageError: the archive cannot be used.
    """
    written: dict[str, int] = {}
    db = await open_for_reading(config.database.url, hash_choice=hash_choice)
    try:
        async for row in export_user(db, user_hash, tenant_id=tenant_id):
            output.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
            kind = str(row["kind"])
            written[kind] = written.get(kind, 0) + 1
    finally:
        await db.close()
    return written
