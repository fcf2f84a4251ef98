"""The last pass of a sync: the users behind the reactions, once all messages are stored.

Only lists whose totals differ from those they were last fetched at are fetched, each is committed as it comes, and
the pass ends where it is when the tenant's next sync is due: new messages never wait for a backlog of reactions.
"""

from dataclasses import dataclass, field
from math import ceil

from adapters.errors import MessageGone
from bot.concurrency import finish, for_each
from bot.live import ChangeTracker
from bot.sync.context import JobContext
from storage import messages, reactions
from storage.messages import Changed
from storage.reactions import PendingChannel, PendingTotal

_TOTALS_A_PAGE = 100  # looked up in the archive at a time
_ATTEMPTS = 2  # at a list that changes while it is fetched


@dataclass(frozen=True, slots=True)
class ReactionPass:
    """One job's way through a tenant's reactions."""

    job: JobContext
    _outdated: set[tuple[int, str]] = field(default_factory=set)  # messages whose totals have to be read again

    async def run(self) -> None:
        """Fetch what is pending until all is done or the next sync is due."""
        job, progress = self.job, self.job.progress
        pending = await reactions.pending_channels(job.db, job.tenant_id, users_per_request=job.session.page_size)
        progress.reactions_pending = sum(channel.lists for channel in pending)
        progress.estimator.begin_reactions(sum(channel.requests for channel in pending))
        await for_each(pending, job.config.concurrent_channels, self._fetch_channel)
        if pending:  # counted again: events may have added and cleared lists meanwhile
            progress.reactions_pending = await reactions.pending_lists(job.db, job.tenant_id)
        progress.repairs_pending += len(self._outdated)
        progress.is_cut_short |= progress.reactions_pending > 0 and job.should_yield

    async def _fetch_channel(self, channel: PendingChannel) -> None:
        job = self.job
        if job.should_yield:
            return
        async with job.guard(channel):
            with job.live.tracking(job.tenant_id, channel.platform_id) as tracker:
                await self._fetch_totals(channel, tracker)

    async def _fetch_totals(self, channel: PendingChannel, tracker: ChangeTracker) -> None:
        job, gone = self.job, set[str]()
        after: PendingTotal | None = None
        while totals := await reactions.pending_totals(job.db, channel.id, after, _TOTALS_A_PAGE):
            for total in totals:
                if job.should_yield:
                    return
                if total.message_platform_id in gone or not await self._fetch(channel, total, tracker):
                    gone.add(total.message_platform_id)
                    self._done()
            after = totals[-1]

    async def _fetch(self, channel: PendingChannel, total: PendingTotal, tracker: ChangeTracker) -> bool:
        """Fetch the users of one total; False where the message turns out to be gone."""
        try:
            for _ in range(_ATTEMPTS):
                if await self._fetch_users(channel, total, tracker):
                    break
        except MessageGone:
            await finish(self._mark_deleted(channel, total))
            return False
        return True

    async def _fetch_users(self, channel: PendingChannel, total: PendingTotal, tracker: ChangeTracker) -> bool:
        """Fetch and store one list; False where it changed meanwhile, so that it may be older than what is stored."""
        job, message_id, mark = self.job, total.message_platform_id, tracker.mark()
        users = await job.session.reaction_users(
            channel.platform_id, message_id, total.emoji, burst=total.burst, total=total.expected
        )

        async def write(changed_before: set[str], _: Changed) -> bool:
            if changed_before:
                return False
            if await reactions.save_users(job.db, total, user_hashes=users, job=job.lease, now=job.clock()):
                self._count(len(users))
                if self._is_outdated(total, users):
                    self._outdated.add((channel.id, message_id))
                    await job.refetch(channel, {message_id})
            return True  # also where the total changed since it was listed: it stays pending

        return await job.store(channel, lambda: tracker.changed_since(mark, [message_id]), write)

    @staticmethod
    def _is_outdated(total: PendingTotal, users: list[str]) -> bool:
        """Return whether fewer were found than there were by a known count; an unknown one becomes what is found."""
        return total.is_count_known and len(users) < total.count

    def _done(self) -> None:
        progress = self.job.progress
        progress.reactions_pending = max(progress.reactions_pending - 1, 0)  # events may have added some

    def _count(self, users: int) -> None:
        progress = self.job.progress
        progress.reactions += users
        progress.reactions_done += 1
        self._done()
        progress.estimator.lists_done += max(ceil(users / self.job.session.page_size), 1)

    async def _mark_deleted(self, channel: PendingChannel, total: PendingTotal) -> None:
        job = self.job
        await messages.mark_deleted(job.db, channel.id, [total.message_platform_id], job=job.lease, now=job.clock())
