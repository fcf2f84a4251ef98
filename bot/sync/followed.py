"""Compare what a listing shows with what was received live."""

import asyncio
import logging
from zlib import crc32

from adapters.ids import number
from bot.sync.context import JobContext
from storage import channels, repair
from storage.channels import ChannelState
from storage.jobs import JobKind

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1


def verify_seconds(job: JobContext) -> float:
    """Return after how many seconds a tenant is verified again: another number for each, up to the interval."""
    share = crc32(job.tenant_id.encode()) / 2**32
    return job.config.verify_interval.total_seconds() * (0.5 + share / 2)


async def note_following(job: JobContext) -> None:
    """Note in the job's progress how many channels are followed at this instant, and until when that is proven."""
    following = await job.live.follower.following(job.tenant_id)
    job.progress.followed, job.progress.proven_until = following.channels, following.proven_until


async def knows_all(job: JobContext) -> bool:
    """Return whether every channel and thread is known, so that the channels alone have to be listed.

    Whole listings of the tenants are spread over the verification interval. One from before a gap, such as of a tenant
    that was stopped, does not count.
    """
    followed = job.live.followed
    is_settled = followed.is_settled(job.tenant_id, within_seconds=verify_seconds(job))
    if not is_settled or job.kind in (JobKind.AUDIT, JobKind.INITIAL):
        return False
    verified_at, gap_end = followed.proven(job.tenant_id)[1], await repair.last_gap_end(job.db, job.tenant_id)
    return verified_at is not None and (gap_end is None or gap_end <= verified_at)


async def is_contradicted(job: JobContext) -> bool:
    """Return whether the listing shows messages, channels or threads of which no event came.

    What was received until now is written first. An answer may be faster than the event of a message in it, which is
    waited for.
    """
    is_written = await job.live.catch_up(job.tenant_id)
    waited, pause = 0.0, _FIRST_PAUSE_SECONDS
    while (behind := await _behind(job)) and waited < job.config.event_patience.total_seconds():
        await asyncio.sleep(pause)
        waited, pause = waited + pause, 2 * pause
        is_written = await job.live.catch_up(job.tenant_id)
    if not is_written:  # what was received is not in the archive, so that this proves nothing
        job.live.followed.unsettle(job.tenant_id)
        job.live.followed.read_first(job.tenant_id, behind)
        return False
    if not behind and not job.listings.unheard:
        return False
    if behind:
        facts = {"tenant": job.tenant_id, "channels": len(behind), "channel": behind[0]}
        log.warning("messages are listed of which no event came", extra=facts)
    job.listings.unheard = 0
    job.metrics.live_missed("messages", len(behind))
    await job.live.follower.contradicted(job.tenant_id)
    return True


async def _behind(job: JobContext) -> list[str]:
    """Return the followed channels whose heads lie beyond their checkpoints."""
    followed = job.live.followed
    if not followed.is_begun(job.tenant_id):
        return []
    return [
        state.platform_id
        async for some in channels.channels_to_be_read(job.db, job.tenant_id)
        for state in some
        if _is_behind(state) and followed.is_followed(job.tenant_id, state.platform_id)
    ]


def _is_behind(state: ChannelState) -> bool:
    """Return whether a channel that was read to its end has a newer head; an older one says nothing."""
    if not state.has_news or not state.is_read_to_end or state.head_id is None:
        return False
    return number(state.head_id) > number(state.checkpoint_id)
