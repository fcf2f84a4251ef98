"""The seam between platforms and everything else: what an adapter does."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar, runtime_checkable

from adapters.errors import RateLimited
from adapters.events import EventHandler, LiveEventHandler, Stream
from adapters.health import ConnectionHealth
from adapters.pages import Access, MessagePage, ThreadCursor, ThreadPage, WantedUsers
from adapters.parts import Division, Turn
from adapters.records import ChannelRecord, TenantRecord
from adapters.words import PlatformWords

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """How many requests a session has sent so far, and how many of them were retries."""

    requests: int
    retries: int


class PlatformSession(Protocol):
    """The requests of one sync. Every method may raise the errors of adapters.errors, none other."""

    @property
    def page_size(self) -> int:
        """The most that the platform gives in one answer, of messages and of reaction users."""
        ...

    @property
    def request_counts(self) -> RequestCounts:
        """Requests sent and, among them, retries."""
        ...

    @property
    def stream(self) -> Stream | None:
        """The stream of the community's events when ``channels`` was called last; None where none was received."""
        ...

    @property
    def receives_changes(self) -> bool:
        """Whether every change of channels since ``channels`` was called has been received, or will be."""
        ...

    async def channels(self, *, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        """List every channel of the community and every active thread, evaluated afresh; parents before children.

        ``only_channels`` leaves out the threads, and takes who may read from the events received so far: one request.
        """
        ...

    def archived_threads(
        self, channel_id: str, cursor: ThreadCursor | None, *, now: datetime, relist_reason: str | None = None
    ) -> AsyncIterator[ThreadPage]:
        """List the archived threads of a channel that ``cursor`` does not cover yet; a cursor of None covers nothing.

        ``now`` is the current time. ``relist_reason`` requests a complete listing: a cursor that was not made for the
        same reason is ignored.
        """
        ...

    async def find_channel(self, channel_id: str) -> ChannelRecord | None:
        """Request a channel that no listing contains any more; return a thread's current record, None for a channel.

        Raises:
            ChannelUnreadable: it was deleted, or the bot may not see it.
        """
        ...

    async def messages(self, channel_id: str, after: str | None, *, parent_id: str | None = None) -> MessagePage:
        """Request a page of the oldest messages with ids beyond ``after``, which may be the id of none.

        ``parent_id`` is the channel of a thread. A page that holds a message proves that the bot may read there, and is
        complete between its first and last id. An empty page proves nothing by itself: some platforms send one where
        the bot may not read (``access`` distinguishes the two). A page of messages none of which lies beyond ``after``
        is a failed call.

        Raises:
            ContentWithheld: the platform replaced the content of the page by blanks.
        """
        ...

    async def access(self) -> Access:
        """Evaluate the bot's read access from requests that begin now, ignoring all cached state."""
        ...

    async def confirm_membership(self) -> None:
        """Request the community itself.

        Raises:
            TenantUnavailable: the bot is not in it any more.
        """
        ...

    def reaction_users(
        self, channel_id: str, message_id: str, wanted: Sequence[WantedUsers]
    ) -> AsyncGenerator[Mapping[WantedUsers, Sequence[str]], None]:
        """Yield the hashes of the users behind emoji of a message, each emoji once, as soon as its users are there.

        Together come those of one emoji, or of all where the platform gives all at once. What is yielded was requested
        after all before it was taken. Of one emoji: a request for every ``page_size`` users, none beyond its total.

        Raises:
            MessageGone: the message was deleted.
        """
        ...

    def sent_at(self, message_id: str) -> datetime | None:
        """Return when a message was sent, or a channel made, by its id alone; None where an id does not show it."""
        ...

    def cursor_at(self, when: datetime) -> str:
        """Return what ``after`` has to be for the messages sent at a time or later; "0" where ids do not show it."""
        ...

    async def count_messages(self, channel_id: str) -> int | None:
        """Return how many messages a channel holds by the platform's own count; None where it has none at present."""
        ...


class PlatformAdapter(Protocol):
    """One platform, through one bot."""

    name: ClassVar[str]
    id_pattern: ClassVar[str]  # a regular expression that its communities' ids match whole
    user_id_pattern: ClassVar[str]  # and people's
    words: ClassVar[PlatformWords]  # for whoever reads what is archived, and what is not

    async def run(self, on_event: EventHandler, on_live_event: LiveEventHandler, turn: Turn = ...) -> None:
        """Stay connected until cancelled, and call the handlers with events of communities and with live changes.

        A TenantsReady event means that changes before it may have been missed in the communities that it covers: that
        part of the connection began a new session. Events are delivered one by one, in the platform's order. ``turn``
        is for what the platform lets only one of a bot's processes do at a time; without it this one is alone.

        Raises:
            CredentialRefused: the platform rejected the bot's credential.
        """
        ...

    @property
    def shares_parts(self) -> bool:
        """Whether processes divide the parts of the connection: this one connects only those that ``hold`` gives it."""
        ...

    @property
    def division(self) -> Division | None:
        """How the communities are divided among the parts; None while the platform has not said yet."""
        ...

    @property
    def held(self) -> frozenset[str]:
        """The parts that this process connects, by name."""
        ...

    @property
    def ready_parts(self) -> frozenset[str]:
        """The held parts, all events received and all communities announced; none once the credential was refused."""
        ...

    def hold(self, parts: frozenset[str]) -> None:
        """Connect these parts and no others from now on, and return at once; only called where ``shares_parts``.

        Before the first call none is held. A part that is held no more ends with a TenantsReleased event, behind all
        its other events.
        """
        ...

    def take_share(self, share: float) -> None:
        """Send at most this share (0 < share <= 1) of the requests that the bot may send in all; at first, all."""
        ...

    @property
    def unready_reason(self) -> str | None:
        """Why the platform cannot be used at present, in plain words; None where it can.

        It concerns the held parts: where processes share the parts, holding none is no reason. Once the platform has
        refused the bot's credential (CredentialRefused), it is that, for good.
        """
        ...

    @property
    def health(self) -> ConnectionHealth:
        """State of the connection, for the metrics."""
        ...

    def received_until(self, part: str) -> datetime | None:
        """Until when every event of a part has surely been received; None while it is not connected."""
        ...

    async def communities(self) -> tuple[TenantRecord, ...] | None:
        """Request the communities without receiving events; None where only a connection is told of them.

        For a look that must take no event from the process that is connected. Raises as ``sync`` does.
        """
        ...

    def is_member(self, tenant_platform_id: str) -> bool:
        """Return whether the bot is in this community."""
        ...

    def stream(self, tenant_platform_id: str) -> Stream | None:
        """Return the present stream of a community's events; None while none are received."""
        ...

    def doubt(self, tenant_platform_id: str) -> Callable[[str], bool]:
        """Take note that a community's events were not received, though its stream is unbroken.

        Returns:
            Which communities' events are doubtful for that, by their platform ids. Where the doubt is of a part of the
            connection, that part begins a new session.
        """
        ...

    @property
    def invite_url(self) -> str | None:
        """Where an administrator adds the bot to a community; None before the first connection."""
        ...

    async def sync(
        self,
        tenant_platform_id: str,
        body: Callable[[PlatformSession], Awaitable[T]],
        on_rate_limit: Callable[[RateLimited], Awaitable[None]] | None = None,
    ) -> T:
        """Run ``body`` with a session; the first rate limit ends it at once, whatever it is waiting for.

        ``on_rate_limit`` is called at once, while ``body`` may still be finishing what it must not tear apart: a wait
        that is stored only later would be lost where the process is killed meanwhile.

        Raises:
            RateLimited, TenantUnavailable, TenantCredentialRefused, ContentWithheld, CredentialRefused: the job has to
                end; the last one also the platform's connection.
        """
        ...


@runtime_checkable
class EmojiPictures(Protocol):
    """What an adapter may be able to do beside: tell where the pictures of the platform's custom emoji are."""

    def emoji_address(self, emoji_id: str, is_animated: bool, /) -> str:
        """Return the address of a picture, by the platform's id."""
        ...
