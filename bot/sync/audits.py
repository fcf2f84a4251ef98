"""The end of a channel's audit: what the platform counts is compared with what is stored."""

import logging
from dataclasses import dataclass
from datetime import datetime

from bot.concurrency import finish
from bot.sync.context import JobContext
from bot.sync.estimator import ChannelEstimator
from bot.sync.messages import ChannelReader
from storage import channels, repair
from storage.repair import RefetchRange

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditEnd:
    """Closes the audit of one channel that was read again up to its checkpoint."""

    job: JobContext
    audit: RefetchRange
    began_at: datetime  # what was sent before and is not stored, was missed

    async def run(self) -> None:
        """Read on behind the checkpoint where the platform has more than is stored, then record what was found."""
        job, audit = self.job, self.audit
        count = await job.session.count_messages(audit.channel_platform_id)
        missing = 0
        state = await channels.channel_state(job.db, audit.channel_id)
        stored = await repair.count_stored(job.db, audit.channel_id)
        if state is not None and (not state.is_read_to_end or (count is not None and count > stored)):
            before = await repair.count_stored(job.db, audit.channel_id, sent_before=self.began_at)
            await ChannelReader(job, state, _no_estimate(job)).run()
            missing = await repair.count_stored(job.db, audit.channel_id, sent_before=self.began_at) - before
            stored = await repair.count_stored(job.db, audit.channel_id)
        if count is not None and count > stored:
            facts = {"channel": audit.channel_platform_id, "counted": count, "stored": stored}
            log.warning("the platform counts more messages than it shows", extra=facts)
        await finish(
            repair.finish_audit(job.db, audit.id, platform_count=count, missing=missing, job=job.lease, now=job.clock())
        )


def _no_estimate(job: JobContext) -> ChannelEstimator:
    return ChannelEstimator(page_size=job.session.page_size, since=None, head_at=None, counted=None)
