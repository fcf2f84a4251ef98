"""Carry out the request of one person from the command line: an erasure, or an export of their data.

Neither stores the person's id, nor creates an archive where there is none. While a daemon has a SQLite archive open,
only the daemon can write, so the erasure is requested through its API.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from datetime import datetime
from typing import BinaryIO

import orjson

from bot.config import Config
from bot.daemon_calls import DaemonRefused, DaemonUnreachable, request_erasure
from storage import privacy
from storage.connection import require_archive
from storage.database import Database, open_database, open_for_reading
from storage.errors import DatabaseInUse, StorageError
from storage.privacy import ErasureRequest, export_user

_PROGRESS_SECONDS = 1.0
_TRIES = 20  # while another command has the archive, or the daemon is starting
_TRY_AGAIN_SECONDS = 0.5

Removed = dict[str, int]
OnRemoved = Callable[[Removed], None]
"""Called now and then with the counts removed so far."""


async def forget(
    config: Config,
    platform: str,
    user_id: str,
    user_hash: str,
    *,
    hash_choice: str,
    tenant_id: str | None,
    clock: Callable[[], datetime],
    on_removed: OnRemoved = lambda removed: None,
) -> Removed:
    """Remove a person's traces, however long that takes; return the counts by kind.

    Raises:
        StorageError: the archive cannot be used, does not exist, or does not know the tenant.
        DaemonRefused: a daemon has it open, and cannot be reached or refuses.
    """
    await require_archive(config.database.url, hash_choice=hash_choice, tenant_id=tenant_id)
    wanted: dict[str, str | None] = {"platform": platform, "user_id": user_id, "tenant_id": tenant_id}

    async def here(db: Database) -> Removed:
        request = await privacy.record_request(db, user_hash, tenant_id=tenant_id, now=clock())
        return _counts(await _fulfilled(db, request, clock, on_removed))

    for tries_left in reversed(range(_TRIES)):
        try:
            return await _with_archive(config, hash_choice, here)
        except DatabaseInUse:
            try:
                return await request_erasure(config, wanted, on_removed)
            except DaemonUnreachable as e:
                if not tries_left:
                    raise DaemonRefused(str(e)) from e
        await asyncio.sleep(_TRY_AGAIN_SECONDS)
    raise AssertionError("the last try returns or raises")


async def replay(
    config: Config, lines: Iterable[bytes], *, hash_choice: str, clock: Callable[[], datetime], on_removed: OnRemoved
) -> tuple[int, Removed]:
    """Repeat the erasures that ``write_requests`` exported, on an archive restored from before them.

    Returns:
        The number of erasure requests, and the counts removed.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
        ValueError: a line is invalid, or comes from an archive with another hash key.
    """
    await require_archive(config.database.url, hash_choice=hash_choice)
    wanted = [_read(number, line, hash_choice) for number, line in enumerate(lines, 1) if line.strip()]

    async def here(db: Database) -> Removed:
        # All are recorded first, so that nothing of these people can be stored from then on.
        requests = [await privacy.record_request(db, who, tenant_id=where, now=when) for who, where, when in wanted]
        total: Removed = {}
        for request in requests:
            for name, count in _counts(await _fulfilled(db, request, clock, on_removed)).items():
                total[name] = total.get(name, 0) + count
        return total

    return len(wanted), await _with_archive(config, hash_choice, here)


async def write_requests(config: Config, *, hash_choice: str, output: BinaryIO) -> int:
    """Export all erasure requests as JSON Lines, for ``replay``; return how many there are."""
    requests = await list_requests(config, hash_choice=hash_choice)
    for request in requests:
        row = {"user_hash": request.user_hash, "tenant_id": request.tenant_id, "requested_at": request.requested_at}
        output.write(orjson.dumps({**row, "hash_choice": hash_choice}, option=orjson.OPT_APPEND_NEWLINE))
    return len(requests)


async def list_requests(config: Config, *, hash_choice: str) -> list[ErasureRequest]:
    """List the erasure requests of an archive, also while a daemon has it open.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
    """
    db = await open_for_reading(config.database.url, hash_choice=hash_choice)
    try:
        return await privacy.list_requests(db)
    finally:
        await db.close()


async def forgotten_since(
    config: Config, user_hash: str, *, hash_choice: str, tenant_id: str | None
) -> datetime | None:
    """Return when a person's erasure was first requested, in the tenant or in all; None where it was not.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
    """
    requests = await list_requests(config, hash_choice=hash_choice)
    times = [r.requested_at for r in requests if r.user_hash == user_hash and r.tenant_id in (None, tenant_id)]
    return min(times, default=None)


async def export(
    config: Config, user_hash: str, *, hash_choice: str, tenant_id: str | None, output: BinaryIO
) -> dict[str, int]:
    """Export what is stored about a person as JSON Lines; return the counts by kind.

    Raises:
        StorageError: the archive cannot be used, does not exist, or does not know the tenant.
    """
    written: dict[str, int] = {}
    await require_archive(config.database.url, hash_choice=hash_choice, tenant_id=tenant_id)
    db = await open_for_reading(config.database.url, hash_choice=hash_choice)
    try:
        async for row in export_user(db, user_hash, tenant_id=tenant_id):
            output.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
            kind = str(row["kind"])
            written[kind] = written.get(kind, 0) + 1
    finally:
        await db.close()
    return written


async def _with_archive(config: Config, hash_choice: str, work: Callable[[Database], Awaitable[Removed]]) -> Removed:
    async with AsyncExitStack() as opened:
        db = await open_database(config.database.url, hash_choice=hash_choice)
        opened.push_async_callback(db.close)
        return await work(db)


async def _fulfilled(
    db: Database, request: ErasureRequest, clock: Callable[[], datetime], on_removed: OnRemoved
) -> ErasureRequest:
    """Carry out a request; wait while the database is busy, and leave what cannot be done to the next start."""
    while request.completed_at is None:
        fulfilling = asyncio.ensure_future(privacy.fulfil_request(db, request, clock=clock))
        try:
            while not (await asyncio.wait({fulfilling}, timeout=_PROGRESS_SECONDS))[0]:
                on_removed(_counts(await privacy.find_request(db, request.user_hash, request.tenant_id)))
            request = await fulfilling
        except StorageError as e:
            if not e.is_transient:
                raise
        finally:
            fulfilling.cancel()
        if request.completed_at is None:
            await asyncio.sleep(_PROGRESS_SECONDS)
    return request


def _counts(request: ErasureRequest) -> Removed:
    return {name: getattr(request.removed, name) for name in ("messages", "attachments", "reactions", "mentions")}


def _read(number: int, line: bytes, hash_choice: str) -> tuple[str, str | None, datetime]:
    try:
        request = orjson.loads(line)
        who, where, when = request["user_hash"], request["tenant_id"], datetime.fromisoformat(request["requested_at"])
        privacy.require_hash(who)
        if not (where is None or isinstance(where, str)) or when.tzinfo is None:
            raise ValueError
    except (ValueError, KeyError, TypeError) as e:
        raise ValueError(f"line {number} is no erasure request, as 'erasures export' writes them") from e
    if request.get("hash_choice") != hash_choice:
        raise ValueError(f"line {number} is of an archive that hashes its users otherwise: give its key")
    return who, where, when
