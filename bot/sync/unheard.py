"""Count what a listing shows of channels and threads that no event said."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from adapters.records import ChannelRecord, ChannelType
from bot.live import ChangeTracker, LiveWriter
from bot.metrics import Metrics

log = logging.getLogger(__name__)


async def count_unheard(
    live: LiveWriter,
    metrics: Metrics,
    tenant_id: str,
    records: Sequence[ChannelRecord],
    tracker: ChangeTracker,
    patience: timedelta,
) -> int:
    """Compare a listing with what the events said, once those that may be on their way have come.

    What an event was about since the listing began (``tracker``) may be newer than the listing.

    Returns:
        How many channels and threads are otherwise.

    Raises:
        StorageError: the database cannot be read.
    """
    differing = await live.unheard(tenant_id, records, patience)
    unheard = [record for record in differing if record.platform_id not in tracker.changed()]
    threads = sum(record.type is ChannelType.THREAD for record in unheard)
    if unheard:
        facts = {"tenant": tenant_id, "channels": len(unheard) - threads, "threads": threads}
        log.warning("channels are listed otherwise than the events said", extra=facts)
    metrics.live_missed("channels", len(unheard) - threads)
    metrics.live_missed("threads", threads)
    return len(unheard)
