"""Figures for Prometheus that the archive says at each scrape."""

import math
from collections import Counter
from collections.abc import Collection
from datetime import datetime

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from storage import jobs, live, retention, tenants, unwritten
from storage.database import Database
from storage.tenants import SyncStatus


async def archive_figures(db: Database, now: datetime, platforms: Collection[str]) -> list[Metric]:
    """Return how the queue, the tenants and the parts of these platforms' connections stand.

    Raises:
        StorageError: the database cannot be read.
    """
    return [*(await _queue(db, now)), await _ages(db, now), await _unheld(db, platforms), *(await _retention(db))]


async def _queue(db: Database, now: datetime) -> list[Metric]:
    queue = await jobs.queue_figures(db, now)
    in_queue = GaugeMetricFamily("platform_sync_queue_jobs", "Unfinished jobs by state.", labels=["state"])
    in_queue.add_metric(["waiting"], queue.waiting)
    in_queue.add_metric(["running"], queue.running)
    oldest = GaugeMetricFamily(
        "platform_sync_queue_oldest_waiting_seconds",
        "How long the job that is due and has waited longest has; 0 where none waits.",
        value=queue.oldest_waiting_seconds or 0.0,
    )
    unsettled = GaugeMetricFamily(
        "platform_sync_live_events_unwritten",
        "Live events that could not be written and whose messages are not settled yet; of which tenant, the API says.",
        value=await unwritten.count_open_entries(db),
    )
    return [in_queue, oldest, unsettled]


async def _ages(db: Database, now: datetime) -> Metric:
    ages = GaugeMetricFamily(
        "platform_sync_checkpoint_age_seconds",
        "Time since the last successful sync of a tenant that the bot is in; infinite before the first.",
        labels=["tenant"],
    )
    for tenant in await tenants.freshness(db):
        if tenant.sync_status is not SyncStatus.DISCONNECTED:
            at = tenant.last_successful_sync_at
            ages.add_metric([tenant.id], max((now - at).total_seconds(), 0.0) if at else math.inf)
    return ages


async def _unheld(db: Database, platforms: Collection[str]) -> Metric:
    unheld = GaugeMetricFamily(
        "platform_sync_parts_unheld",
        "Parts of a platform's connection, such as shards, that no process is connected to: their communities wait.",
        labels=["platform"],
    )
    counts = Counter(lead.platform for lead in await live.list_leads(db) if lead.owner is None)
    for platform in platforms:
        unheld.add_metric([platform], counts[platform])
    return unheld


async def _retention(db: Database) -> list[Metric]:
    """Return up to when content is removed in each tenant, and how many messages are left to be looked at."""
    before = GaugeMetricFamily(
        "platform_sync_content_removed_before_timestamp_seconds",
        "Of messages of a tenant sent before, nothing that they said is kept.",
        labels=["tenant"],
    )
    left = GaugeMetricFamily(
        "platform_sync_content_removal_messages_left",
        "Messages of a tenant that the removal of old content is still to look at.",
        labels=["tenant"],
    )
    for known in await retention.list_retentions(db):
        if known.content_before is not None:
            before.add_metric([known.tenant_id], known.content_before.timestamp())
            left.add_metric([known.tenant_id], known.messages_left)
    return [before, left]
