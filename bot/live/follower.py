"""Store what is received of followed channels with their checkpoints, and end following where it is doubted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.base import PlatformAdapter
from adapters.events import Stream
from bot.live.bisect import apply_bisecting
from bot.live.followed import FollowedChannels
from bot.live.following import Following
from bot.parts import Parts
from storage import live, repair
from storage.database import Database
from storage.live import ChannelKey, MessageChange, Part
from storage.repair import GapReason
from storage.tenants import tenant_id_of
from storage.unwritten import UnwrittenEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedFigures:
    """How much of a tenant is followed live at present."""

    is_here: bool  # otherwise another process follows them, and no more is known here
    channels: int  # channels and threads that are followed
    of: int  # that are archived
    proven_until: datetime | None  # of channels; None where none is followed
    threads_proven_until: datetime | None


class LiveFollower:
    """Writes changes of messages, and knows which channels are followed."""

    def __init__(
        self,
        db: Database,
        adapters: Mapping[str, PlatformAdapter],
        following: Following,
        clock: Callable[[], datetime],
    ) -> None:
        """``following`` tells whose events this process writes."""
        self._db = db
        self._adapters = adapters
        self._parts = Parts(adapters)
        self._following = following
        self._clock = clock
        self.channels = FollowedChannels(self._stream_of, clock)

    @property
    def blocked(self) -> Mapping[str, str]:
        """By platform, in words, why this process can write nothing of it."""
        return self._following.blocked

    def platform_of(self, tenant_id: str) -> str:
        """Return the name of a tenant's platform; empty where it is none of this process."""
        return next((name for name in self._adapters if tenant_id.startswith(tenant_id_of(name, ""))), "")

    def _stream_of(self, tenant_id: str) -> Stream | None:
        """Return the stream of a tenant's events; None where this process receives none, or another one writes them."""
        platform = self.platform_of(tenant_id)
        adapter = self._adapters.get(platform) if self._following.leads(platform, tenant_id) else None
        return adapter.stream(tenant_id.removeprefix(tenant_id_of(platform, ""))) if adapter else None

    async def following(self, tenant_id: str) -> FollowedFigures:
        """Count the channels of a tenant that are followed at this instant.

        Raises:
            StorageError: the database cannot be read.
        """
        of_channels, of_threads = self.channels.proven(tenant_id)
        count, of = await live.count_followed(self._db, tenant_id, self.channels.unread(tenant_id))
        is_elsewhere = self._parts.is_elsewhere(tenant_id)
        is_elsewhere = is_elsewhere or self._following.stands_by(self.platform_of(tenant_id), tenant_id)
        return FollowedFigures(
            is_here=not is_elsewhere,
            channels=count if of_channels else 0,
            of=of,
            proven_until=of_channels,
            threads_proven_until=of_threads,
        )

    async def apply(
        self,
        changes: Sequence[MessageChange],
        leases: Mapping[Part, int],
        now: datetime,
        hidden: Collection[ChannelKey],
    ) -> list[UnwrittenEvent]:
        """Apply changes of tenants whose events this process writes; return the events that cannot be written.

        ``leases`` are those by which it does, as they were when the changes were chosen.

        Raises:
            LeadershipLost: another process writes some of them now.
            StorageError: the database takes no change.
        """
        with_new = {change.channel for change in changes if change.newest}
        followed = {channel for channel in with_new if self.channels.is_followed(*channel)}
        for tenant_id in {key[0] for key in followed if self.channels.is_early(*key)}:
            await self.catch_up(tenant_id)
        owner = self._following.owner
        applied = await apply_bisecting(self._db, changes, now, owner, leases, hidden, followed)
        for channel in applied.left_out:
            self.channels.missed(*channel)
        for change in changes:
            if change.newest and change.channel not in applied.moved | applied.left_out:
                self.channels.stored_early(*change.channel, change.newest)
        return applied.unwritten

    async def catch_up(self, tenant_id: str) -> None:
        """Move checkpoints over what was stored beyond them, and mark the channels that are to be read.

        Raises:
            StorageError: the database cannot be written; a later call does it.
        """
        newest, unread = self.channels.take_early(tenant_id), self.channels.unread(tenant_id)
        try:
            await live.catch_up(self._db, tenant_id, newest, unread, self._clock())
        except BaseException:
            for channel_id, message in newest.items():
                self.channels.stored_early(tenant_id, channel_id, message)
            raise

    async def contradicted(self, tenant_id: str, *, by_sample: bool = False, is_alone: bool = False) -> None:
        """Record that something is there of which no event came: more may have been missed since the last proof.

        Args:
            tenant_id: ours.
            by_sample: whether a sample of messages shows it; then since the last one that agreed.
            is_alone: whether it says nothing of other tenants' events.

        Raises:
            StorageError: the database cannot be written.
        """
        platform = self.platform_of(tenant_id)
        prefix = tenant_id_of(platform, "")
        platform_id = tenant_id.removeprefix(prefix)
        covers = platform_id.__eq__ if is_alone else self._adapters[platform].doubt(platform_id)
        doubted = self.channels.unproven(
            lambda i: i.startswith(prefix) and covers(i.removeprefix(prefix)), by_samples=by_sample
        )
        for doubtful, since in doubted.items():  # first, so that a failure leaves the contradiction to the next sync
            now = self._clock()
            await repair.record_gap(
                self._db, doubtful, GapReason.SESSION_LOST, began_at=since, ended_at=max(since, now), now=now
            )
            self.channels.contradicted(doubtful)
