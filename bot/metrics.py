"""Figures for Prometheus: what the process has counted, and what the archive says at each scrape.

Names begin with ``platform_sync_`` and end with their unit. No label holds an id but the tenants'.
"""

import math
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeAlias

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder

from adapters.base import PlatformAdapter
from bot import program_version
from bot.archive_figures import archive_figures
from bot.concurrency import SingleFlight
from bot.loop_watch import LoopWatch
from storage.database import Database
from storage.errors import StorageError

_BATCH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_REQUEST_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_DATABASE_SECONDS = 5.0  # Prometheus gives a scrape 10
_SCOPES = ("user", "global", "shared", "cloudflare")

disable_created_metrics()  # type: ignore[no-untyped-call]  # when each counter began: as many lines again, for nobody


@dataclass(frozen=True, slots=True)
class _Watched:
    """What is read at each scrape."""

    archive: "SingleFlight[_Figures]"
    adapters: Mapping[str, PlatformAdapter]


class Metrics:
    """One daemon's figures. It is a ``RequestObserver``, and the worker reports to it what it has done.

    Has a registry of its own, so that two daemons in one process do not count together.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "platform_sync_requests",
            "Requests to the platform by status; 'none' where the connection broke off.",
            ["route", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "platform_sync_request_seconds",
            "Time until the platform answered.",
            ["route"],
            buckets=_REQUEST_BUCKETS,
            registry=registry,
        )
        self._live_missed = Counter(
            "platform_sync_live_missed",
            "What a listing showed and no event did: channels with new messages, changed channels, threads; and what a"
            " page showed: missing messages, edits, deletions, reactions.",
            ["kind"],
            registry=registry,
        )
        self._rate_limits = Counter(
            "platform_sync_rate_limits", "Answers with status 429 by scope.", ["scope"], registry=registry
        )
        self._invalid_requests = Counter(
            "platform_sync_invalid_requests",
            "Answers with status 401, 403 or 429, after many of which a platform bans an address for a while.",
            registry=registry,
        )
        self._jobs_ended = Counter(
            "platform_sync_jobs_ended", "Sync jobs by kind and end.", ["kind", "end"], registry=registry
        )
        self._reactions_pending = Gauge(
            "platform_sync_reactions_pending",
            "Lists of users behind reactions that the last sync of a tenant has left to the next one.",
            ["tenant"],
            registry=registry,
        )
        self._batch_commit_seconds = Histogram(
            "platform_sync_batch_commit_seconds",
            "Time to commit one batch of messages with its checkpoint.",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._messages = Counter(
            "platform_sync_messages_archived", "Messages committed to the archive.", registry=registry
        )
        self.loop = LoopWatch()
        Gauge(
            "platform_sync_event_loop_longest_stop_seconds",
            "The longest time in the last ten minutes for which the event loop was blocked.",
            registry=registry,
        ).set_function(lambda: self.loop.longest_seconds)
        self._watched: _Watched | None = None

    def watch(self, db: Database, adapters: Mapping[str, PlatformAdapter], clock: Callable[[], datetime]) -> None:
        """Add what the database and the adapters say to each scrape; scrapes at the same time share one reading."""
        self._watched = _Watched(
            SingleFlight(lambda: archive_figures(db, clock(), adapters.keys()), "figures of the archive"), adapters
        )

    def on_response(self, route: str, status: int | None, seconds: float) -> None:
        """Count a request to the platform."""
        self._requests.labels(route, "none" if status is None else str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)
        if status in (401, 403):
            self._invalid_requests.inc()

    def on_rate_limit(self, scope: str) -> None:
        """Count a 429. One of scope ``shared`` is no fault of ours, and Discord does not hold it against us."""
        self._rate_limits.labels(scope if scope in _SCOPES else "other").inc()
        if scope != "shared":
            self._invalid_requests.inc()

    def job_ended(self, tenant: str, kind: str, end: str, reactions_pending: int | None) -> None:
        """Count a job that has ended, and record the user lists that it left pending, where it knows them."""
        self._jobs_ended.labels(kind, end).inc()
        if reactions_pending is not None:
            self._reactions_pending.labels(tenant).set(reactions_pending)

    def batch_committed(self, messages: int, seconds: float) -> None:
        """Count a batch that is in the archive."""
        self._batch_commit_seconds.observe(seconds)
        self._messages.inc(messages)

    def live_missed(self, kind: str, count: int) -> None:
        """Count what a listing showed and no event did."""
        self._live_missed.labels(kind).inc(count)

    async def expose(self, accept: str) -> tuple[bytes, str]:
        """Return every figure in the format that an Accept header names, and its Content-Type.

        A database that does not answer leaves its figures out; ``platform_sync_database_up`` is 0 then.
        """
        encode, content_type = choose_encoder(accept)
        seen = await _look_at(self._watched) if self._watched else []
        return encode(_Scrape(self._registry, [_build(), *seen])), content_type


@dataclass(frozen=True, slots=True)
class _Scrape:
    """A registry's figures and more of them: a Collector in prometheus_client's words."""

    registry: CollectorRegistry
    more: list[Metric]

    def collect(self) -> Iterator[Metric]:
        return chain(self.registry.collect(), self.more)


_Figures: TypeAlias = list[Metric]


async def _look_at(watched: _Watched) -> _Figures:
    figures: _Figures = list(_gateways(watched.adapters))
    query = await watched.archive.answer(_DATABASE_SECONDS)
    if query is None or isinstance(query.exception(), StorageError):
        return [*figures, _database_up(0.0)]
    return [*figures, *query.result(), _database_up(1.0)]


def _database_up(value: float) -> Metric:
    return GaugeMetricFamily(
        "platform_sync_database_up",
        "Whether the database answers; what it would say is left out otherwise.",
        value=value,
    )


def _gateways(adapters: Mapping[str, PlatformAdapter]) -> Iterator[Metric]:
    ready = GaugeMetricFamily(
        "platform_sync_gateway_ready", "Whether a platform can be used at present.", labels=["platform"]
    )
    connected = GaugeMetricFamily(
        "platform_sync_gateway_shards_connected", "Connected shards of a platform's gateway.", labels=["platform"]
    )
    ages = GaugeMetricFamily(
        "platform_sync_gateway_heartbeat_age_seconds",
        "Time since the newest heartbeat was sent that a shard's gateway has answered; infinite before the first.",
        labels=["platform", "shard"],
    )
    waits = GaugeMetricFamily(
        "platform_sync_gateway_wait_seconds",
        "How long a platform has us wait before it is tried again; 0 where it does not.",
        labels=["platform"],
    )
    for name, adapter in adapters.items():
        health = adapter.health
        ready.add_metric([name], float(adapter.unready_reason is None))
        connected.add_metric([name], sum(part.is_connected for part in health.parts))
        waits.add_metric([name], health.wait_seconds)
        for part in health.parts:
            age = part.heartbeat_age_seconds
            ages.add_metric([name, part.name], math.inf if age is None else age)
    yield from (ready, connected, ages, waits)


def _build() -> Metric:
    return InfoMetricFamily(
        "platform_sync_build",
        "What runs here.",
        {"version": program_version(), "python": platform.python_version()},
    )
