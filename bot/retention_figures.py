"""Figures for Prometheus of content that has had its time."""

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from storage import retention
from storage.database import Database


async def retention_figures(db: Database) -> list[Metric]:
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
