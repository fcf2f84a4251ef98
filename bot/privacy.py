"""Carry out the request of one person from the command line: an erasure, or an export of their data.

Neither stores the person's id, nor creates an archive where there is none. While a daemon has a SQLite archive open,
only the daemon can write, so the erasure is requested through its API.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import BinaryIO, TypeVar

import orjson

from bot.config import Config
from bot.daemon_calls import DaemonRefused, DaemonUnreachable, request_removal
from bot.erasures import ErasureRequests, R
from bot.request_lines import Request, kind_of, line_of, read_lines
from storage import privacy
from storage.connection import require_archive
from storage.database import Database, open_database, open_for_reading
from storage.errors import DatabaseInUse, StorageError
from storage.privacy import ErasureRequest, OptOut, export_user

_PROGRESS_SECONDS = 1.0
_TRIES = 20  # while another command has the archive, or the daemon is starting
_TRY_AGAIN_SECONDS = 0.5

T = TypeVar("T")

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
        return counts(await fulfilled(db, request, clock, on_removed))

    async def by_daemon() -> Removed:
        return await request_removal(config, "/api/forgotten-users", wanted, on_removed)

    return await on_archive(config, hash_choice, here, by_daemon)


async def on_archive(
    config: Config,
    hash_choice: str,
    here: Callable[[Database], Awaitable[T]],
    by_daemon: Callable[[], Awaitable[T]],
) -> T:
    """Do something on the archive, or have the daemon do it that has the archive open.

    Raises:
        StorageError: the archive cannot be used.
        DaemonRefused: the daemon cannot be reached or refuses.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            return await _with_archive(config, hash_choice, here)
        except DatabaseInUse:
            try:
                return await by_daemon()
            except DaemonUnreachable as e:
                if not tries_left:
                    raise DaemonRefused(str(e)) from e
        await asyncio.sleep(_TRY_AGAIN_SECONDS)
    raise AssertionError("the last try returns or raises")


async def replay(
    config: Config, lines: Iterable[bytes], *, hash_choice: str, clock: Callable[[], datetime], on_removed: OnRemoved
) -> tuple[dict[str, int], Removed]:
    """Repeat the erasures and opt-outs that ``write_requests`` exported, on an archive restored from before them.

    Returns:
        How many there are of each kind, and the counts removed.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
        ValueError: a line is invalid, or comes from an archive with another hash key.
    """
    await require_archive(config.database.url, hash_choice=hash_choice)
    wanted = read_lines(lines, hash_choice)

    async def here(db: Database) -> Removed:
        # All are recorded first, so that nothing of these people can be stored from then on.
        recorded = [await _recorded(db, request, clock()) for request in wanted]
        total: Removed = {}
        for request in {request.id: request for request in recorded}.values():  # several may have become one
            for name, count in counts(await fulfilled(db, request, clock, on_removed)).items():
                total[name] = total.get(name, 0) + count
        return total

    return dict(Counter(map(kind_of, wanted))), await _with_archive(config, hash_choice, here)


async def _recorded(db: Database, request: Request, now: datetime) -> Request:
    if isinstance(request, OptOut):
        return await privacy.restore_opt_out(db, request, now=now)
    return await privacy.record_request(db, request.user_hash, tenant_id=request.tenant_id, now=request.requested_at)


async def write_requests(config: Config, *, hash_choice: str, output: BinaryIO) -> dict[str, int]:
    """Export all erasure requests and opt-outs as JSON Lines, for ``replay``; return how many there are of each."""
    async with read_archive(config, hash_choice) as db:
        requests: list[Request] = [*await privacy.list_requests(db), *await privacy.list_opt_outs(db)]
    output.writelines(line_of(request, hash_choice) for request in requests)
    return dict(Counter(map(kind_of, requests)))


async def list_requests(config: Config, *, hash_choice: str) -> list[ErasureRequest]:
    """List the erasure requests of an archive, also while a daemon has it open.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
    """
    async with read_archive(config, hash_choice) as db:
        return await privacy.list_requests(db)


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
    async with read_archive(config, hash_choice) as db:
        async for row in export_user(db, user_hash, tenant_id=tenant_id):
            output.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z))
            kind = str(row["kind"])
            written[kind] = written.get(kind, 0) + 1
    return written


@asynccontextmanager
async def read_archive(config: Config, hash_choice: str) -> AsyncIterator[Database]:
    """Open the archive to be read for as long as the block takes, also while a daemon has it open.

    Raises:
        StorageError: the archive cannot be used, or does not exist.
    """
    db = await open_for_reading(config.database.url, hash_choice=hash_choice)
    try:
        yield db
    finally:
        await db.close()


async def _with_archive(config: Config, hash_choice: str, work: Callable[[Database], Awaitable[T]]) -> T:
    async with AsyncExitStack() as opened:
        db = await open_database(config.database.url, hash_choice=hash_choice)
        opened.push_async_callback(db.close)
        return await work(db)


async def fulfilled(db: Database, request: R, clock: Callable[[], datetime], on_removed: OnRemoved) -> R:
    """Carry out a request; wait while the database is busy, and leave what cannot be done to the next start."""
    erasures = ErasureRequests(db, clock)
    while request.completed_at is None:
        fulfilling = asyncio.ensure_future(erasures.carry_out(request))
        try:
            while not (await asyncio.wait({fulfilling}, timeout=_PROGRESS_SECONDS))[0]:
                on_removed(counts(await erasures.again(request)))
            request = await fulfilling
        except StorageError as e:
            if not e.is_transient:
                raise
        finally:
            fulfilling.cancel()
        if request.completed_at is None:
            await asyncio.sleep(_PROGRESS_SECONDS)
    return request


def counts(request: ErasureRequest | OptOut) -> Removed:
    """Return what a request has removed so far, by kind."""
    return asdict(request.removed)
