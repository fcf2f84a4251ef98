"""What the parts of one running sync share."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from adapters.base import PlatformSession
from adapters.errors import CallFailed, ChannelUnreadable
from adapters.records import JsonValue
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sync.progress import ChannelFailure, ChannelOutcome, Progress
from storage import channels
from storage.database import Database
from storage.jobs import JobLease

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncLimits:
    """How much runs at once, and how much a sync does."""

    batch_size: int
    concurrent_tenants: int
    concurrent_channels: int
    turn_seconds: float  # how long a sync may hold its place while others wait for one
    reaction_users: bool
    repair_lookback: timedelta
    repair_request_budget: int


class AnyChannel(Protocol):
    """A channel as any part of a sync knows it."""

    @property
    def id(self) -> int:
        """Ours."""

    @property
    def platform_id(self) -> str:
        """The platform's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext:
    """One job: whom it syncs, with what, and how far it is."""

    db: Database
    session: PlatformSession
    tenant_id: str
    lease: JobLease
    progress: Progress
    live: LiveWriter
    limits: SyncLimits
    clock: Callable[[], datetime]
    metrics: Metrics
    due: datetime | None  # when the tenant's next sync is
    failures: dict[str, dict[str, JsonValue]] = field(default_factory=dict)  # of channels that gave up, by platform id

    @property
    def should_yield(self) -> bool:
        """Whether the tenant's next sync is due: what can wait then waits, so that new messages need not."""
        return self.due is not None and self.clock() >= self.due

    async def skip(self, channel: AnyChannel, error: ChannelUnreadable) -> None:
        """A channel that cannot be read any more; its messages stay."""
        reason = error.reason
        log.info("channel can no longer be read", extra={"channel": channel.platform_id, "reason": str(reason)})
        await channels.mark_skipped(self.db, self.tenant_id, [channel.platform_id], reason, self.clock())
        self.progress.channels[channel.platform_id] = ChannelOutcome.SKIPPED

    async def fail(self, channel: AnyChannel, error: CallFailed) -> None:
        """A channel that gave up: told in its row, in the job and in the log; the others go on."""
        now, channel_id = self.clock(), channel.platform_id
        log.warning("channel gave up", extra={"channel": channel_id, "code": error.code, "error": str(error)})
        said = {"code": error.code, "message": str(error), "remedy": error.remedy}
        self.progress.fail(ChannelFailure(channel_id=channel_id, **said))
        told: dict[str, JsonValue] = {**said, "at": now.isoformat(), "attempts": error.attempts}
        self.failures[channel_id] = told
        await channels.fail_channel(self.db, channel.id, error=told, job=self.lease, now=now)

    async def settle(self, channel: AnyChannel, deleted_head_id: str | None) -> None:
        """A channel has reached its head; where something else of it failed, its error stays."""
        now = self.clock()
        if told := self.failures.get(channel.platform_id):
            await channels.fail_channel(self.db, channel.id, error=told, job=self.lease, now=now)
            return
        await channels.finish_channel(self.db, channel.id, deleted_head_id=deleted_head_id, job=self.lease, now=now)
        self.progress.channels[channel.platform_id] = ChannelOutcome.DONE
