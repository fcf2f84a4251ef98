"""The composition root: opens everything in order, runs it, and closes it in reverse."""

import asyncio
import logging
import os
import secrets
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

from rich.console import Console

from adapters.base import PlatformAdapter
from adapters.privacy import UserHasher
from bot.api.routes import Api
from bot.api.server import serve
from bot.concurrency import first_error
from bot.config import Config
from bot.console import show_progress
from bot.tenancy import Tenancy
from bot.worker import SyncLimits, Worker
from storage import jobs
from storage.database import open_database

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The clock of the real process."""
    return datetime.now(UTC)


class Stopped(Exception):
    """The process was asked to stop."""


async def run(
    config: Config,
    hasher: UserHasher,
    adapters: Mapping[str, PlatformAdapter],
    *,
    console: Console | None = None,
    on_serving: Callable[[str], None] = lambda url: None,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Run the daemon until SIGTERM or SIGINT; then reach a safe point, close everything and return.

    Raises:
        StorageError, AddressInUse, CredentialRefused: with a message for the operator.
    """
    async with AsyncExitStack() as opened:
        db = await open_database(config.database.url, hash_choice=hasher.choice)
        opened.push_async_callback(db.close)
        await jobs.release_orphans(db, clock())
        limits = SyncLimits(
            batch_size=config.sync.batch_size,
            concurrent_tenants=config.sync.concurrent_tenants,
            concurrent_channels=config.sync.concurrent_channels,
        )
        worker = Worker(db, adapters, limits, _owner(), clock)
        tenancy = Tenancy(
            db,
            interval=timedelta(seconds=config.sync.interval),
            auto_create={name: platform.options.auto_create_tenants for name, platform in config.platforms.items()},
            wake_worker=worker.wake,
            clock=clock,
        )
        api = Api(db=db, tenancy=tenancy, adapters=adapters, clock=clock)
        token = config.api_token.get_secret_value() if config.api_token else None
        http = config.http
        url = await opened.enter_async_context(
            serve(api, host=http.host, port=http.port, allowed_hosts=http.allowed_hosts, token=token)
        )
        tenancy.scheduler.start()
        opened.callback(tenancy.scheduler.stop)
        log.info("serving", extra={"url": url, "database": db.dialect})
        on_serving(url)
        await _run_until_stopped(adapters, tenancy, worker, console)


async def _run_until_stopped(
    adapters: Mapping[str, PlatformAdapter], tenancy: Tenancy, worker: Worker, console: Console | None
) -> None:
    """Run everything; the first to end, by a signal or an error, ends all.

    The work ends before the connections do: its jobs reach their safe points while calls can still be answered.
    """
    try:
        async with asyncio.TaskGroup() as connections:
            for name, adapter in adapters.items():
                connections.create_task(adapter.run(partial(tenancy.listen, name)), name=f"{name} connection")
            async with asyncio.TaskGroup() as work:
                work.create_task(_stop_on_signal(), name="signals")
                work.create_task(worker.run(), name="worker")
                if console is not None:
                    work.create_task(show_progress(console, worker.running), name="progress")
    except BaseExceptionGroup as group:
        error = first_error(group)
        if not isinstance(error, Stopped):
            raise error from None
    log.info("stopped")


async def _stop_on_signal() -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await stop.wait()
        log.info("stopping: running syncs go to a safe point")
        raise Stopped
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
