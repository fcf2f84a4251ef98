"""The context that the parts of a running sync share: tools, isolation of channels' failures, storing of pages."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias, TypeVar

from adapters.errors import CallFailed, ChannelUnreadable, PlatformError
from adapters.events import Stream
from adapters.ids import RecordRefused
from adapters.records import JsonValue, SkipReason
from bot.concurrency import finish
from bot.sync.channel import AnyChannel, EmptyPage, ShownAgain
from bot.sync.listings import ListingContext
from bot.sync.outcomes import ChannelOutcome
from bot.sync.pages import Answer
from bot.sync.progress import ChannelFailure, Progress
from bot.sync.refusals import Refusals
from storage import channels, messages
from storage.errors import ChannelSkipped, ValueRefused
from storage.jobs import JobKind
from storage.messages import Changed, MessageRef

log = logging.getLogger(__name__)

T = TypeVar("T")

Failure: TypeAlias = PlatformError | ValueRefused | RecordRefused
"""What a channel is given up for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext(ListingContext):
    """One job: which tenant it syncs, with what, and how far it is."""

    progress: Progress
    due: datetime | None  # when the tenant's next sync is
    kind: JobKind = JobKind.SCHEDULED
    failures: dict[str, dict[str, JsonValue]] = field(default_factory=dict)  # of channels that gave up, by platform id
    incomplete: set[str] = field(default_factory=set)  # channels of which a message was set aside, by platform id
    hidden: set[str] = field(default_factory=set)  # channels that were hidden while they were read, by platform id
    unproven: list[EmptyPage] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)

    @property
    def should_yield(self) -> bool:
        """Whether the tenant's next sync is due: what can wait then waits, so that new messages need not."""
        return self.due is not None and self.clock() >= self.due

    @asynccontextmanager
    async def guard(self, channel: AnyChannel) -> AsyncIterator[None]:
        """Keep a channel's failure to the channel: give it up, and let the others go on.

        A refusal has no consequence before the community itself has been requested (``settle_refusals``): a bot that
        was removed meets nothing else.
        """
        try:
            yield
        except ChannelUnreadable as e:
            refused = e
            await self.refuse(lambda: self._accept_refusal(channel, refused))
        except CallFailed as e:
            await self.give_up(channel, e, attempts=e.attempts)
        except (ValueRefused, RecordRefused) as e:  # not of a message: messages are set aside one by one
            await self.give_up(channel, e)
        except ChannelSkipped:
            log.info("channel was hidden while it was read", extra={"channel": channel.platform_id})
            self.hidden.add(channel.platform_id)
            self.progress.channels[channel.platform_id] = ChannelOutcome.SKIPPED

    async def settle_hidden(self, described: Collection[str]) -> None:
        """Give up the channels that were hidden during the job and are listed as shown: they were not read.

        An event that hides a channel may come late, after a listing that showed it. ``described`` are the platform ids
        of the channels that events were about during the job.
        """
        named = await channels.named_channels(self.db, self.tenant_id, described) if described else []
        skipped = {s.platform_id for s in named if s.skip_reason not in (None, SkipReason.DELETED)} | self.hidden
        if skipped:
            await self.list_all()
            for state in await channels.named_channels(self.db, self.tenant_id, skipped):
                if state.skip_reason is None:
                    await self.give_up(state, ShownAgain())

    async def refuse(self, accept: Callable[[], Awaitable[None]]) -> None:
        """Add a refusal, and its consequence once it is confirmed that the bot is in the community.

        Raises:
            TenantUnavailable: the bot is no longer in it.
        """
        await self.refusals.add(self.session, accept)

    async def settle_refusals(self) -> None:
        """Apply the consequences of the refusals so far.

        Raises:
            TenantUnavailable: the bot is no longer in the community.
        """
        await self.refusals.settle(self.session)

    def take_unproven(self) -> list[EmptyPage]:
        """Remove and return the unproven pages so far."""
        taken, self.unproven[:] = list(self.unproven), []
        return taken

    async def store(
        self, changed: Callable[[], set[MessageRef]], write: Callable[[set[MessageRef], Changed], Awaitable[T]]
    ) -> T:
        """Store what was read of channels, also where the job is cancelled, and refetch what changed meanwhile.

        The received changes of channels are stored first, or the channels listed where changes may have been missed, so
        that nothing of a hidden channel is written. ``changed`` returns the messages with events since they were
        fetched, so that the fetched ones may be older. ``write`` is called with those that changed before, and with a
        function that returns those since: it records them in the transaction that stores, so that a kill loses none.
        """
        before, recorded = set[MessageRef](), set[MessageRef]()

        def since() -> set[MessageRef]:
            recorded.update(changed() - before)
            return recorded

        async def write_and_refetch() -> T:
            await self.update_channels()
            before.update(changed())
            written = await write(before, since)
            if during_commit := changed() - before - recorded:
                await self.refetch(during_commit)
            return written

        return await finish(write_and_refetch())

    async def refetch(self, refs: Collection[MessageRef]) -> None:
        """Mark messages to be refetched by the repairs of this job or the next."""
        await messages.refetch(self.db, refs, self.clock())

    async def note_shown(
        self, channel: AnyChannel, answer: Answer, began_at: datetime, *, visible_since: datetime | None = None
    ) -> None:
        """Store what a page of messages shows beside them: its threads, and from when on the platform shows messages.

        Before the messages: a thread without them is found again, one that they alone show would not be. What is stored
        of ``visible_since`` saves a request of the database where neither says anything.
        """
        if answer.threads:
            with self.tracking(None) as tracker:
                await self.save_channels(answer.threads, began_at, tracker)
            self.listings.has_shown_threads = True
        if answer.visible_since is not None or visible_since is not None:
            await channels.note_visible_since(self.db, channel.id, answer.visible_since, self.clock())

    def refs(self, channel: AnyChannel, message_ids: Iterable[str]) -> set[MessageRef]:
        """Name messages of a channel."""
        return {(self.tenant_id, channel.platform_id, message_id) for message_id in message_ids}

    async def settle(
        self, channel: AnyChannel, deleted_head_id: str | None, stream: Stream | None, *, read_since: float
    ) -> None:
        """Mark a channel as read to its end since a time, within a stream of events, and follow it.

        If something of it failed, its error stays.
        """
        if channel.platform_id not in self.failures:
            head, lease, followed = deleted_head_id, self.lease, self.live.followed
            async with self.live.writing:  # else ``catch_up``, begun before, would mark it as to be read once more
                await channels.finish_channel(self.db, channel.id, deleted_head_id=head, job=lease, now=self.clock())
                followed.follow(self.tenant_id, channel.platform_id, stream, read_since=read_since)
        if error := self.failures.get(channel.platform_id):  # also meanwhile: its threads are listed beside
            await channels.fail_channel(self.db, channel.id, error=error, job=self.lease, now=self.clock())
        elif channel.platform_id not in self.incomplete:
            self.progress.channels[channel.platform_id] = ChannelOutcome.DONE

    def set_aside(self, channel: AnyChannel, message_ids: Collection[str]) -> None:
        """Report messages that the database cannot hold; everything else of their channel is stored."""
        if not message_ids:
            return
        self.incomplete.add(channel.platform_id)
        message = f"{len(message_ids)} messages cannot be stored, such as {min(message_ids)}; everything else is stored"
        remedy = "please report it, with the log around it; the channel's error names the messages"
        facts = {"code": "message_set_aside", "message": message, "remedy": remedy}
        self.progress.fail(ChannelFailure(channel_id=channel.platform_id, **facts))

    async def skip(self, channel: AnyChannel, reason: SkipReason) -> None:
        """Mark a channel as one that cannot be read any more; its messages stay."""
        log.info("channel can no longer be read", extra={"channel": channel.platform_id, "reason": str(reason)})
        await channels.mark_skipped(self.db, self.tenant_id, [channel.platform_id], reason, self.live.instant())
        self.progress.channels[channel.platform_id] = ChannelOutcome.SKIPPED

    async def give_up(self, channel: AnyChannel, failure: Failure, *, attempts: int = 1) -> None:
        """Record why a channel gave up in its row, in the job and in the log; the others go on."""
        now, channel_id = self.clock(), channel.platform_id
        log.warning("channel gave up", extra={"channel": channel_id, "code": failure.code, "error": str(failure)})
        facts = {"code": failure.code, "message": str(failure), "remedy": failure.remedy}
        self.progress.fail(ChannelFailure(channel_id=channel_id, **facts))
        error: dict[str, JsonValue] = {**facts, "at": now.isoformat(), "attempts": attempts}
        self.failures[channel_id] = error
        await channels.fail_channel(self.db, channel.id, error=error, job=self.lease, now=now)

    async def _accept_refusal(self, channel: AnyChannel, refused: ChannelUnreadable) -> None:
        """Skip a deleted channel; give up one that the bot may not read, whose skip reason the next listing sets."""
        if refused.reason is SkipReason.DELETED:
            await self.skip(channel, refused.reason)
        else:
            await self.give_up(channel, refused)
