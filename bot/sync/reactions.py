"""The last pass of a sync: the users behind the reactions, once all messages are stored.

Only lists whose totals differ from those they were last fetched at are asked for, each is committed as it comes, and
the pass ends where it is when the tenant's next sync is due: new messages never wait for a backlog of reactions.
"""

from dataclasses import dataclass
from math import ceil

from adapters.errors import CallFailed, ChannelUnreadable, MessageGone
from bot.concurrency import finish, for_each
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from storage import messages, reactions, repair
from storage.reactions import PendingChannel, PendingTotal

_AT_ONCE = 100  # totals looked up at a time
_USERS_A_REQUEST = 100
_ATTEMPTS = 2  # at a list that changes while it is fetched


@dataclass(frozen=True, slots=True)
class ReactionPass:
    """One job's way through a tenant's reactions."""

    job: JobContext

    async def run(self) -> None:
        """Fetch what is pending until all is done or the next sync is due."""
        job, progress = self.job, self.job.progress
        pending = await reactions.pending_channels(job.db, job.tenant_id)
        progress.reactions_pending = sum(channel.lists for channel in pending)
        progress.estimator.begin_reactions(sum(channel.requests for channel in pending))
        await for_each(pending, job.limits.concurrent_channels, self._fetch_channel)
        progress.is_cut_short |= progress.reactions_pending > 0 and job.should_yield

    async def _fetch_channel(self, channel: PendingChannel) -> None:
        job, after = self.job, None
        gone: set[str] = set()
        try:
            with job.live.tracking(job.tenant_id, channel.platform_id) as watch:
                while totals := await reactions.pending_totals(job.db, channel.id, after, _AT_ONCE):
                    for total in totals:
                        if job.should_yield:
                            return
                        if total.message_platform_id in gone or not await self._fetch(channel, total, watch):
                            gone.add(total.message_platform_id)
                            job.progress.reactions_pending -= 1
                    after = totals[-1]
        except ChannelUnreadable as e:
            await job.skip(channel, e)
        except CallFailed as e:
            await job.fail(channel, e)

    async def _fetch(self, channel: PendingChannel, total: PendingTotal, watch: ChangeTracker) -> bool:
        """Fetch the users of one total; False where the message turns out to be gone."""
        try:
            for _ in range(_ATTEMPTS):
                if await self._fetch_users(channel, total, watch):
                    break
        except MessageGone:
            await finish(self._mark_deleted(channel, total))
            return False
        return True

    async def _fetch_users(self, channel: PendingChannel, total: PendingTotal, watch: ChangeTracker) -> bool:
        """Whether the list could be stored: one that changed while it was fetched may be older than what is stored."""
        asked_at = watch.now()
        users = await self.job.session.reaction_users(
            channel.platform_id, total.message_platform_id, total.emoji, burst=total.burst, total=total.expected
        )
        if watch.changed_since(asked_at, [total.message_platform_id]):
            return False
        await finish(self._save(channel, total, users, watch, asked_at))
        self._count(len(users))
        return True

    async def _save(
        self,
        channel: PendingChannel,
        total: PendingTotal,
        users: list[str],
        watch: ChangeTracker,
        asked_at: int,
    ) -> None:
        job = self.job
        await reactions.save_users(job.db, total, user_hashes=users, job=job.lease, now=job.clock())
        if watch.changed_since(asked_at, [total.message_platform_id]) or self._is_outdated(total, users):
            await repair.refetch_in_channel(job.db, channel.id, {total.message_platform_id}, job.clock())

    @staticmethod
    def _is_outdated(total: PendingTotal, users: list[str]) -> bool:
        """Whether fewer were found than there were by a known count; an unknown one becomes what is found."""
        return total.is_count_known and len(users) < total.count

    def _count(self, users: int) -> None:
        progress = self.job.progress
        progress.reactions += users
        progress.reactions_done += 1
        progress.reactions_pending -= 1
        progress.estimator.lists_done += max(ceil(users / _USERS_A_REQUEST), 1)

    async def _mark_deleted(self, channel: PendingChannel, total: PendingTotal) -> None:
        job = self.job
        await messages.mark_deleted(job.db, channel.id, [total.message_platform_id], job=job.lease, now=job.clock())
