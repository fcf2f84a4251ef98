"""Store what must not be lost, such as the end of a job or the wait that a platform demands."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from adapters.errors import RateLimited
from adapters.records import JsonValue
from storage import jobs, tenants
from storage.database import Database
from storage.errors import StorageError
from storage.jobs import JobLease
from storage.tenants import Tenant

T = TypeVar("T")

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds between the attempts
_RELEASE_SECONDS = 5.0


async def persist(write: Callable[[], Awaitable[T]]) -> T:
    """Store something; retry while the database is unreachable or busy.

    Raises:
        StorageError: the failure lasts, or retrying cannot help.
    """
    for pause in _PAUSES:
        try:
            return await write()
        except StorageError as e:
            if not e.is_transient:
                raise
        await asyncio.sleep(pause)
    return await write()


async def persist_wait(db: Database, tenant: Tenant, limit: RateLimited, now: datetime) -> None:
    """Let no request for a tenant be sent before the platform's wait is over; for no tenant, where it concerns all."""
    until = now + timedelta(seconds=limit.retry_after_seconds)
    tenant_id = None if limit.is_global else tenant.id
    await persist(partial(tenants.defer_until, db, tenant_id, tenant.platform, until=until, now=now))


async def release_in_time(db: Database, lease: JobLease, totals: Mapping[str, JsonValue], now: datetime) -> None:
    """Put a job back into the queue, unless that takes too long: its lease expires anyhow."""
    with suppress(StorageError, TimeoutError):
        async with asyncio.timeout(_RELEASE_SECONDS):
            await jobs.release(db, lease, totals=totals, now=now)
