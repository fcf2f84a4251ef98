"""The composition root: opens everything in order, runs it, and closes it in reverse."""

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from rich.console import Console

from adapters.base import PlatformAdapter
from adapters.parts import no_turn
from adapters.privacy import UserHasher
from bot import program_version
from bot.api import Api, serve
from bot.audit_schedule import AUDIT_TICK, AuditSchedule
from bot.concurrency import aside, first_error
from bot.config import Config
from bot.connections import Connections
from bot.console import show_progress
from bot.erasures import ErasureRequests
from bot.housekeeping import HOUSEKEEPING_TICK, Housekeeping
from bot.live import LiveWriter
from bot.membership import Membership
from bot.metrics import Metrics
from bot.opening import open_with_retries
from bot.pages import make_site
from bot.parts import Parts
from bot.queue import JobQueue
from bot.reconciliation import Reconciler
from bot.retention import ContentRetention
from bot.scheduler import Scheduler
from bot.search import Searcher
from bot.search_indexing import SearchIndexing
from bot.sharing import Sharing
from bot.shutdown import StopDeadline, Stopped, stop_on_signal
from bot.systemd import Notifier, status_line
from bot.tenants import TenantService
from bot.turns import Turns
from bot.worker import Worker
from storage import channels, jobs
from storage.database import Database
from storage.processes import Process

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """Return the time, as the clock of the real process."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What runs in the daemon."""

    live: LiveWriter
    connections: Connections
    scheduler: Scheduler
    membership: Membership
    tenants: TenantService
    worker: Worker
    api: Api
    reconciler: Reconciler
    sharing: Sharing


async def run(
    config: Config,
    hasher: UserHasher,
    adapters: Mapping[str, PlatformAdapter],
    *,
    metrics: Metrics | None = None,
    console: Console | None = None,
    on_serving: Callable[[str], None] = lambda url: None,
    clock: Callable[[], datetime] = utc_now,
) -> None:
    """Run the daemon until SIGTERM or SIGINT; then reach a safe point, close everything and return.

    Args:
        config: the configuration.
        hasher: hashes user ids, as the adapters do.
        adapters: the platforms by name.
        metrics: the figures to which the adapters already report their calls.
        console: where progress is drawn.
        on_serving: gets the API's address once it serves.
        clock: gives the time.

    Raises:
        StorageError, AddressInUse, CredentialRefused: with a message for the operator.
    """
    metrics = metrics or Metrics()
    notifier, deadline = Notifier(), StopDeadline()
    async with AsyncExitStack() as opened:
        opened.callback(deadline.cancel)
        notifier.opening()
        db = await open_with_retries(config.database.url, hasher.choice, clock)
        opened.push_async_callback(db.close)
        deadline.cut(db.cut_off)
        opened.enter_context(deadline.heeding_signals())
        metrics.watch(db, adapters, clock)
        await jobs.release_orphans(db, clock())
        await channels.bound_hidings(db, clock())
        parts = _assemble(config, hasher, adapters, db, metrics, clock)
        token = config.api_token.get_secret_value() if config.api_token else None
        http = config.http
        site = make_site(parts.api, load_media=config.pages.load_media) if config.pages.enabled else None
        url = await opened.enter_async_context(
            serve(parts.api, host=http.host, port=http.port, allowed_hosts=http.allowed_hosts, token=token, site=site)
        )
        parts.sharing.serves_at(url)
        parts.scheduler.start()
        opened.push_async_callback(parts.scheduler.stop)
        log.info("serving", extra={"url": url, "database": db.dialect})
        if site is not None:
            log.info("look at it with a browser", extra={"url": f"{url}/"})
        on_serving(url)
        notifier.ready()
        status = partial(status_line, db, adapters, parts.worker.running)
        await _run_until_stopped(parts, adapters, console, notifier, deadline, status)


def _assemble(
    config: Config,
    hasher: UserHasher,
    adapters: Mapping[str, PlatformAdapter],
    db: Database,
    metrics: Metrics,
    clock: Callable[[], datetime],
) -> _Parts:
    """Wire the parts together over an open database."""
    sync, owner = config.sync.with_lookbacks(config.repair_lookbacks), _owner()
    queue = JobQueue(db, clock)
    live = LiveWriter(db, adapters, owner, clock)
    scheduler = Scheduler(queue, sync.interval, clock, config.intervals)
    auto_create = {name: platform.options.auto_create_tenants for name, platform in config.platforms.items()}
    membership = Membership(db, live, queue, scheduler, auto_create=auto_create, clock=clock)
    audits = AuditSchedule(
        db, queue, interval=sync.audit_interval, hours=sync.audit_hours, platforms=membership.platforms, clock=clock
    )
    scheduler.every(AUDIT_TICK, "audits", audits.enqueue_due)
    scheduler.every(HOUSEKEEPING_TICK, "housekeeping", Housekeeping(db, sync.keep_jobs, clock).run, at_once=True)
    tenants = TenantService(db, queue, scheduler, membership, clock)
    erasures = ErasureRequests(db, clock)
    indexing = SearchIndexing(db, config.search.kind, clock)
    content = ContentRetention(db, config.retention.content_days, clock, config.own_content_days)
    always = {"tenants": membership.reconcile, "erasures": erasures.fulfil, "search": indexing.keep}
    always["files"] = tenants.clean_files
    once = {"purges": tenants.finish_purges}
    (always if content.is_on else once)["content"] = content.keep
    reconciler = Reconciler(always, once=once)
    membership.on_event(partial(reconciler.wake, "tenants"))
    erasures.wake, content.wake, tenants.wake = (partial(reconciler.wake, n) for n in ("erasures", "content", "files"))
    connections = Connections(adapters, no_turn if db.dialect == "sqlite" else Turns(db, owner).turn)
    worker = Worker(
        db,
        queue,
        adapters,
        live,
        sync,
        owner,
        clock,
        scheduler.next_sync_at,
        metrics,
        content.before_sync,
        on_refused=connections.refuse,
    )
    membership.on_release(worker.put_back)
    sharing = Sharing(db, _me(owner, clock()), adapters, live.following, clock, worker.put_back)

    def next_sync_at(tenant_id: str) -> datetime | None:
        is_elsewhere = Parts(adapters).is_elsewhere(tenant_id)
        return scheduler.tick_elsewhere(tenant_id) if is_elsewhere else scheduler.next_sync_at(tenant_id)

    api = Api(
        db=db,
        owner=owner,
        queue=queue,
        tenants=tenants,
        next_sync_at=next_sync_at,
        adapters=adapters,
        clock=clock,
        expose_metrics=metrics.expose,
        concurrent_tenants=sync.concurrent_tenants,
        hash_user=hasher.of,
        erasures=erasures,
        follower=live.follower,
        searcher=Searcher(db),
    )
    return _Parts(
        live=live,
        connections=connections,
        scheduler=scheduler,
        membership=membership,
        tenants=tenants,
        worker=worker,
        api=api,
        reconciler=reconciler,
        sharing=sharing,
    )


async def _run_until_stopped(
    parts: _Parts,
    adapters: Mapping[str, PlatformAdapter],
    console: Console | None,
    notifier: Notifier,
    deadline: StopDeadline,
    status: Callable[[], Coroutine[Any, Any, str]],
) -> None:
    """Run everything; the first to end, by a signal or an error, ends all.

    The work ends before the connections do: its jobs reach their safe points while calls can still be answered.
    """
    try:
        async with asyncio.TaskGroup() as connections:
            for name in adapters:
                listen, submit = partial(parts.membership.listen, name), partial(parts.live.submit, name)
                kept = parts.connections.keep(name, listen, submit)
                deadline.cover(connections.create_task(kept, name=f"{name} connection"))
            async with asyncio.TaskGroup() as work:
                deadline.cover(work.create_task(parts.live.run(), name="live"))
                work.create_task(stop_on_signal(notifier, deadline), name="signals")
                deadline.cover(work.create_task(parts.worker.run(), name="worker"))
                deadline.cover(work.create_task(parts.sharing.run(), name="sharing"))
                deadline.cover(work.create_task(parts.reconciler.run(), name="reconciliation"))
                deadline.cover(work.create_task(parts.scheduler.watch(), name="clock"))
                deadline.cover(work.create_task(notifier.watch(status), name="service manager"))
                if console is not None:
                    work.create_task(aside(show_progress(console, parts.worker.running)), name="progress")
    except BaseExceptionGroup as group:
        error = first_error(group)
        if not isinstance(error, Stopped):
            raise error from None
    log.info("stopped")


def _owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


def _me(owner: str, now: datetime) -> Process:
    host, pid = socket.gethostname(), os.getpid()
    return Process(id=owner, host=host, pid=pid, version=program_version(), address=None, held={}, started_at=now)
