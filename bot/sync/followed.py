"""Compare what a listing shows with what was received live."""

import asyncio
import logging
from zlib import crc32

from bot.sync.context import JobContext
from storage import channels
from storage.channels import ChannelState
from storage.jobs import JobKind

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.1


def knows_all(job: JobContext) -> bool:
    """Return whether every channel and thread is known, so that the channels alone have to be listed.

    Whole listings of the tenants are spread over the verification interval.
    """
    share = crc32(job.tenant_id.encode()) / 2**32
    since = job.clock() - job.config.verify_interval * (0.5 + share / 2)
    return job.kind is not JobKind.AUDIT and job.live.followed.is_settled(job.tenant_id, since=since)


async def contradicted_channels(job: JobContext) -> list[str]:
    """Return the followed channels of which the listing shows messages that no event came of.

    What was received until now is written first. An answer may be faster than the event of a message in it, which is
    waited for.
    """
    await job.live.catch_up(job.tenant_id)
    waited, pause = 0.0, _FIRST_PAUSE_SECONDS
    while behind := await _behind(job):
        if waited >= job.config.event_patience.total_seconds():
            break
        await asyncio.sleep(pause)
        waited, pause = waited + pause, 2 * pause
        await job.live.catch_up(job.tenant_id)
    else:
        return []
    facts = {"tenant": job.tenant_id, "channels": len(behind), "channel": behind[0]}
    log.warning("messages are listed of which no event came", extra=facts)
    await job.live.follower.contradicted(job.tenant_id)
    job.metrics.live_missed("messages", len(behind))
    return behind


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
    return int(state.head_id) > int(state.checkpoint_id or 0)
