"""End a channel's audit: compare the platform's message count with what is stored."""

import logging
from dataclasses import dataclass
from datetime import datetime

from bot.concurrency import finish
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.context import JobContext
from bot.sync.messages import ChannelReader
from storage import channels, repair
from storage.repair import RefetchRange

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditEnd:
    """Ends the audit of one channel that was refetched up to its checkpoint."""

    job: JobContext
    audit: RefetchRange
    began_at: datetime  # messages sent before it that are not stored were missed

    async def run(self) -> None:
        """Read beyond the checkpoint where the platform counts more messages than stored, then record the result."""
        job, audit = self.job, self.audit
        count = await job.session.count_messages(audit.channel_platform_id)
        missing = await self._read_on(count)
        stored = await repair.count_stored(job.db, audit.channel_id)
        if count is not None and count > stored:
            facts = {"channel": audit.channel_platform_id, "counted": count, "stored": stored}
            log.warning("the platform counts more messages than it shows", extra=facts)
        await finish(
            repair.finish_audit(job.db, audit.id, platform_count=count, missing=missing, job=job.lease, now=job.clock())
        )

    async def _read_on(self, count: int | None) -> int:
        """Read beyond the checkpoint unless the count shows nothing more; return how many messages had been missed."""
        job, channel_id = self.job, self.audit.channel_id
        state = await channels.channel_state(job.db, channel_id)
        if state is None or state.platform_id in job.failures:
            return 0
        has_more = count is not None and count > await repair.count_stored(job.db, channel_id)
        if state.is_read_to_end and not has_more:
            return 0
        before = await repair.count_stored(job.db, channel_id, sent_before=self.began_at)
        await ChannelReader(job, state, _no_estimate(job)).run()
        return await repair.count_stored(job.db, channel_id, sent_before=self.began_at) - before


def _no_estimate(job: JobContext) -> ChannelEstimator:
    return ChannelEstimator(page_size=job.session.page_size, since=None, head_at=None, counted=None)
