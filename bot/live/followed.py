"""Which channels are followed live: read to their end, with every message since stored from its event.

In memory only: after a restart every channel is to be read from its checkpoint. A channel is followed unless something
speaks against it, so what is kept are the exceptions (docs/decisions/0026).
"""

import math
import time
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime

from adapters.events import Stream
from bot.live.followed_tenant import FollowedTenant
from storage.messages import Newest, later


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A listing of a tenant's channels that was stored."""

    stream: Stream | None  # of the tenant's events, when it began
    began: float  # by the monotonic clock
    began_at: datetime


class FollowedChannels:
    """The channels of all tenants, by tenant (ours) and the platform's channel id."""

    def __init__(self, stream_of: Callable[[str], Stream | None], clock: Callable[[], datetime]) -> None:
        """``stream_of`` returns the present stream of a tenant's events; None while none are received."""
        self._stream_of = stream_of
        self._clock = clock
        self._tenants: dict[str, FollowedTenant] = {}

    def current(self, tenant_id: str) -> FollowedTenant | None:
        """Return what is known within the present stream of a tenant's events; None while there is no stream.

        What was known within an earlier one is forgotten: something may have been missed since.
        """
        stream = self._stream_of(tenant_id)
        if stream is None:
            return None
        known = self._tenants.get(tenant_id)
        if known is None or known.stream_id != stream.id:
            known = self._tenants[tenant_id] = FollowedTenant(stream_id=stream.id, known_since=self._clock())
        return known

    def is_followed(self, tenant_id: str, channel_id: str) -> bool:
        """Return whether every message of a channel since its checkpoint has been received in order to be stored."""
        tenant = self.current(tenant_id)
        return tenant is not None and tenant.is_listed and channel_id not in tenant.unread

    def unproven(self, covers: Callable[[str], bool], *, by_samples: bool = False) -> dict[str, datetime]:
        """Return some of the tenants, each with the time since when its events are not proven.

        ``by_samples``: those of changes to messages, which no listing proves.
        """
        found = {tenant_id: tenant for tenant_id, tenant in self._tenants.items() if covers(tenant_id)}
        return {
            tenant_id: (tenant.compared_at if by_samples else tenant.proven_at) or tenant.known_since
            for tenant_id, tenant in found.items()
        }

    def contradicted(self, tenant_id: str) -> None:
        """Note that events were not received: nothing of the tenant is followed until all of it was compared."""
        if tenant := self._tenants.get(tenant_id):
            tenant.is_listed, tenant.settled, tenant.is_contradicted = False, None, True
            tenant.valid_since = time.monotonic()
            tenant.received.clear()
            # Soon once more, since a kind that came before may come no longer; not again and again.
            tenant.compared = time.monotonic() if tenant.compared == -math.inf else -math.inf

    def unsettle(self, tenant_id: str) -> None:
        """Note that what an event said of a channel was lost: everything has to be listed again."""
        if tenant := self._known(tenant_id):
            tenant.settled, tenant.valid_since = None, time.monotonic()

    def is_early(self, tenant_id: str, channel_id: str) -> bool:
        """Return whether messages of a channel were stored beyond its checkpoint."""
        tenant = self.current(tenant_id)
        return tenant is not None and channel_id in tenant.early

    def is_begun(self, tenant_id: str) -> bool:
        """Return whether any channel of a tenant may be followed."""
        tenant = self.current(tenant_id)
        return tenant is not None and tenant.is_listed

    def stored_early(self, tenant_id: str, channel_id: str, message: Newest) -> None:
        """Note a new message that was stored beyond the checkpoint."""
        if tenant := self._known(tenant_id):
            tenant.early[channel_id] = later(tenant.early.get(channel_id), message)

    def take_early(self, tenant_id: str) -> dict[str, Newest]:
        """Remove and return what was stored beyond the checkpoints of followed channels."""
        tenant = self.current(tenant_id)
        if tenant is None or not tenant.is_listed:
            return {}
        return {channel_id: tenant.early.pop(channel_id) for channel_id in tenant.early.keys() - tenant.unread}

    def _known(self, tenant_id: str) -> FollowedTenant | None:
        """Return what is known, also while a stream is replayed, which may turn out to be the one from before."""
        return self.current(tenant_id) or self._tenants.get(tenant_id)

    def missed(self, tenant_id: str, channel_id: str) -> None:
        """Note a new message that is not stored from its event: the channel has to be read."""
        if tenant := self._known(tenant_id):
            tenant.missed[channel_id] = time.monotonic()
            tenant.unread.add(channel_id)
            tenant.read.pop(channel_id, None)

    def forget(self, concerns: Callable[[str], bool]) -> None:
        """Follow nothing of some tenants."""
        for tenant_id in list(filter(concerns, self._tenants)):
            del self._tenants[tenant_id]

    def begin_anew(self, tenant_id: str, created_at: datetime) -> None:
        """Forget what was known of a tenant that was created at another time: its archive has been purged since."""
        known = self._tenants.get(tenant_id)
        if known is not None and known.created_at not in (None, created_at):
            fresh = FollowedTenant(stream_id=known.stream_id, known_since=self._clock(), missed=known.missed)
            known = self._tenants[tenant_id] = fresh
        if known is not None:
            known.created_at = created_at

    def begin(self, tenant_id: str, listing: Listing, *, unread: set[str], seen_at: float, proves: bool = True) -> None:
        """Follow a tenant's channels after a listing, but those that have to be read first.

        Args:
            tenant_id: ours.
            listing: the listing, which has ended.
            unread: the channels of which it shows messages beyond the checkpoint, or that were never read.
            seen_at: when that was looked at, by the monotonic clock; some may have been read since.
            proves: whether the listing proves of all others that no message was missed.
        """
        tenant = self._within(tenant_id, listing.stream)
        if tenant is None or (listing.began < tenant.valid_since and not tenant.is_contradicted):
            return
        read_since = {channel_id for channel_id, at in tenant.read.items() if at > seen_at}
        missed = {i for i in tenant.missed if tenant.has_missed(i, listing.began)}
        tenant.unread = unread - read_since | missed | tenant.ahead
        tenant.read.clear()
        tenant.is_listed, tenant.is_contradicted = not tenant.is_contradicted, False
        if proves or not tenant.is_listed:
            tenant.proven_at = listing.began_at if tenant.is_listed else None

    def read_first(self, tenant_id: str, channel_ids: Iterable[str]) -> None:
        """Note channels that turned out to have messages beyond their checkpoints: they are followed once read."""
        if tenant := self._known(tenant_id):
            tenant.unread.update(channel_ids)

    def _within(self, tenant_id: str, stream: Stream | None) -> FollowedTenant | None:
        """Return what is known of a tenant, where its stream is still the given one."""
        tenant = self.current(tenant_id)
        return tenant if tenant is not None and stream is not None and stream.id == tenant.stream_id else None

    def is_read(self, tenant_id: str, channel_id: str) -> bool:
        """Return whether a channel is followed, or will be after the listing, since it was read to its end before."""
        tenant = self.current(tenant_id)
        if tenant is None or channel_id in tenant.unread:
            return False
        return tenant.is_listed or channel_id in tenant.read

    def proven(self, tenant_id: str) -> tuple[datetime | None, datetime | None]:
        """Return until when listings have shown that no message was missed, of channels and of threads.

        None where none is followed.
        """
        tenant = self.current(tenant_id)
        if tenant is None or not tenant.is_listed:
            return None, None
        return tenant.proven_at, tenant.verified_at

    def unread(self, tenant_id: str) -> set[str]:
        """Return the channels that have to be read, whatever their heads say.

        Before following has begun these are also the ones of which messages came.
        """
        tenant = self.current(tenant_id)
        return set() if tenant is None else tenant.unread | (set() if tenant.is_listed else tenant.ahead)

    def settle(self, tenant_id: str, listing: Listing) -> None:
        """Note that a listing of all channels and threads was stored.

        Until an event says too little it need not be repeated.
        """
        tenant = self._within(tenant_id, listing.stream)
        if listing.stream and tenant is not None and listing.began >= tenant.valid_since:
            tenant.settled, tenant.verified = listing.stream.unsettled, listing.began
            tenant.verified_at = listing.began_at

    def is_settled(self, tenant_id: str, *, within_seconds: float = math.inf) -> bool:
        """Return whether every channel and thread is known by a whole listing, of late, and the events after it."""
        stream = self._stream_of(tenant_id)
        tenant = self._within(tenant_id, stream)
        if tenant is None or stream is None or tenant.settled != stream.unsettled:
            return False
        return time.monotonic() - tenant.verified < within_seconds

    def is_compared(self, tenant_id: str, *, within_seconds: float) -> bool:
        """Return whether a sample of a tenant's messages was equal of late, or its stream is no older than that."""
        tenant = self.current(tenant_id)
        return tenant is None or time.monotonic() - tenant.compared < within_seconds

    def compared(self, tenant_id: str, stream_id: Hashable, at: datetime) -> None:
        """Note that a sample of a tenant's messages, requested at a time within a stream, was equal."""
        tenant = self.current(tenant_id)
        if tenant is not None and tenant.stream_id == stream_id:
            tenant.compared, tenant.compared_at = time.monotonic(), at
            tenant.received.clear()

    def receive(self, tenant_id: str, kind: type) -> None:
        """Note an event of a kind about a message of a tenant."""
        if tenant := self._tenants.get(tenant_id):
            tenant.received.add(kind)

    def has_received(self, tenant_id: str, kinds: Collection[type]) -> bool:
        """Return whether any event of these kinds came since a sample was last compared."""
        tenant = self.current(tenant_id)
        return tenant is not None and not tenant.received.isdisjoint(kinds)

    def follow(self, tenant_id: str, channel_id: str, listed_in: Stream | None, *, read_since: float) -> bool:
        """Follow a channel that was read to its end; return False where it has to be read again.

        Args:
            tenant_id: ours.
            channel_id: the platform's.
            listed_in: the stream in which the channel was listed before it was read.
            read_since: when its reading began, by the monotonic clock.
        """
        tenant = self._within(tenant_id, listed_in)
        if tenant is None or tenant.has_missed(channel_id, read_since):
            return False
        tenant.missed.pop(channel_id, None)
        tenant.unread.discard(channel_id)
        tenant.read[channel_id] = time.monotonic()
        return tenant.is_listed
