"""Compare a sample of the newest messages with the archive: edits, deletions and reactions of which no event came.

A session can be alive and yet send no events of one kind. A listing of the channels shows new messages of which no
event came, but nothing of what happens to a message. So once in the verification interval one page is read again.
"""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TypeAlias

from adapters.errors import CallFailed, ChannelUnreadable
from adapters.events import (
    MessageCreated,
    MessageEdited,
    MessageInvalidated,
    MessageMissed,
    MessagesDeleted,
    ReactionChanged,
    ReactionsCleared,
    Stream,
)
from adapters.ids import number
from bot.sync.context import JobContext
from bot.sync.followed import note_following, verify_seconds
from bot.sync.pages import read_behind
from storage import channels, repair
from storage.channels import ChannelState
from storage.jobs import JobKind
from storage.repair import Difference, Sample

_Found: TypeAlias = set[tuple[Difference, str]]
"""Kinds of difference, each with the message's id."""

_EVENTS: dict[Difference, tuple[type, ...]] = {
    Difference.MISSING: (MessageCreated, MessageMissed),
    Difference.EDIT: (MessageEdited, MessageInvalidated),
    Difference.DELETION: (MessagesDeleted,),
    Difference.REACTION: (ReactionChanged, ReactionsCleared),
}
"""The events that tell of each; where others of the kind came, a single one was lost, and the session is not deaf."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SampleCheck:
    """One job's comparison of the newest messages of its tenant's channel with the newest one."""

    job: JobContext

    async def run(self) -> None:
        """Compare a page where that is due; where it is otherwise, end following, and record a gap since the last.

        Nothing is compared while messages wait to be read again, since what is stored of them is known to be old.
        """
        job, followed = self.job, self.job.live.followed
        if job.kind in (JobKind.INITIAL, JobKind.AUDIT):  # which read everything
            return
        if followed.is_compared(job.tenant_id, within_seconds=verify_seconds(job)):
            return
        stream, began_at = job.session.stream, job.clock()
        is_written = await job.live.catch_up(job.tenant_id)
        sample = await repair.newest_sample(job.db, job.tenant_id, job.session.page_size) if is_written else None
        channel = await channels.channel_state(job.db, sample.channel_id) if sample else None
        if stream is None or sample is None or channel is None or not await self._is_comparable(stream, channel):
            return
        try:
            found = await self._differences(channel, sample)
            if found:  # of what came at the same time the event may be on its way
                await asyncio.sleep(job.config.event_patience.total_seconds())
                again = await self._differences(channel, sample)
                found = None if again is None else found & again
        except (CallFailed, ChannelUnreadable) as e:
            log.info("a sample could not be requested", extra={"channel": channel.platform_id, "code": e.code})
            return
        if found is None or not await self._is_comparable(stream, channel):
            return
        if found:
            await self._contradict(channel, found)
        else:
            followed.compared(job.tenant_id, stream.id, began_at)

    async def _is_comparable(self, stream: Stream, channel: ChannelState) -> bool:
        """Return whether a channel is followed in a stream, and nothing of its tenant waits to be read again."""
        job, current = self.job, self.job.session.stream
        if current is None or current.id != stream.id:
            return False
        if not job.live.followed.is_followed(job.tenant_id, channel.platform_id):
            return False
        state = await channels.channel_state(job.db, channel.id)
        if state is None or state.skip_reason is not None:
            return False
        return not (await repair.count_pending_ranges(job.db, job.tenant_id)).total()

    async def _differences(self, channel: ChannelState, sample: Sample) -> _Found | None:
        """Return what is shown otherwise than stored and had no event meanwhile; None where nothing can be told."""
        job = self.job
        with job.tracking(channel) as tracker:
            mark = tracker.mark()
            answer = await read_behind(
                job.session, channel.platform_id, sample.after, parent_id=channel.thread_parent_id, with_witness=False
            )
            if not await job.live.catch_up(job.tenant_id):
                return None
            until = sample.message_ids[-1]
            if answer.is_full and answer.reached is not None:
                until = min(answer.reached, until, key=number)
            found = await repair.differences(
                job.db, job.tenant_id, sample, answer.messages, until, visible_since=answer.visible_since
            )
            changed = tracker.changed_since(mark, {message_id for _, message_id in found})
        return {(difference, message_id) for difference, message_id in found if message_id not in changed}

    async def _contradict(self, channel: ChannelState, found: _Found) -> None:
        job, counts = self.job, Counter(str(difference) for difference, _ in found)
        facts = {"tenant": job.tenant_id, "channel": channel.platform_id}
        log.warning("messages changed of which no event came", extra={**facts, **counts})
        for kind, count in counts.items():
            job.metrics.live_missed(kind, count)
        is_alone = all(job.live.followed.has_received(job.tenant_id, _EVENTS[difference]) for difference, _ in found)
        await job.live.follower.contradicted(job.tenant_id, by_sample=True, is_alone=is_alone)
        await job.refetch(job.refs(channel, {message_id for _, message_id in found}))
        await note_following(job)
