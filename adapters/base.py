"""The seam between platforms and everything else: what an adapter does, and the errors a caller acts on."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict

from adapters.live import LiveListener
from adapters.records import ChannelRecord, MessageRecord, SkipReason, TenantRecord

T = TypeVar("T")

ThreadCursor: TypeAlias = Mapping[str, str]
"""How far a channel's archived threads have been listed. Only the adapter that made it can read it."""


class PlatformOptions(BaseModel):
    """A platform's section of the configuration; each platform adds its own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    auto_create_tenants: bool = True


class PlatformError(Exception):
    """The platform did not do what was asked."""

    code: ClassVar[str] = "platform_error"
    remedy: ClassVar[str] = "nothing need be done: the next sync tries again"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])


class CallFailed(PlatformError):
    """A call failed, also after its retries. Give the channel up."""

    code = "call_failed"

    def __init__(self, message: str, *, attempts: int) -> None:
        super().__init__(message)
        self.attempts = attempts


class ChannelUnreadable(PlatformError):
    """A channel cannot be read and will not be by asking again. Skip it, with the reason."""

    code = "channel_unreadable"
    remedy = "give the bot View Channel and Read Message History there, if it should be archived"

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(f"the platform refuses to show this channel: {reason}")
        self.reason = reason


class MessageGone(PlatformError):
    """A message was deleted, by the platform's own word. Mark it so."""

    code = "message_gone"


class RateLimited(PlatformError):
    """The platform asks us to slow down. End the job; nothing more may be sent for it."""

    code = "rate_limited"
    remedy = "nothing need be done: the next sync goes on once the wait is over; if it comes often, lower the pace"

    def __init__(self, *, retry_after_seconds: float, scope: str) -> None:
        super().__init__(f"rate limited by the platform (scope {scope}) for {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds
        self.scope = scope

    @property
    def is_global(self) -> bool:
        """Whether every tenant has to wait, not this one alone."""
        return self.scope in ("global", "cloudflare")


class TenantUnavailable(PlatformError):
    """The bot is not in this community, or the platform has an outage there. End the job."""

    code = "tenant_unavailable"
    remedy = "if the bot was removed, add it again with its invite link; an outage passes by itself"


class ContentWithheld(PlatformError):
    """The bot lacks the privilege to read message content. End the job: the platform would send blanks."""

    code = "content_withheld"
    remedy = "switch on the privilege where the bot is registered, then start again"


class CredentialRefused(PlatformError):
    """The platform refuses the bot's token or what it asks for. Stop the process: trying again cannot help."""

    code = "credential_refused"
    remedy = "set the bot's token anew, then start again"


@dataclass(frozen=True, slots=True)
class TenantsReady:
    """Connected: these, and only these, are the communities the bot is in."""

    tenants: tuple[TenantRecord, ...]


@dataclass(frozen=True, slots=True)
class TenantJoined:
    """The bot was added to a community, or one became available, or its name changed."""

    tenant: TenantRecord


@dataclass(frozen=True, slots=True)
class TenantLeft:
    """The bot was removed from a community. An outage is not this."""

    platform_id: str


@dataclass(frozen=True, slots=True)
class ChannelDeleted:
    """The platform said that a channel or thread was deleted."""

    tenant_platform_id: str
    channel_platform_id: str


@dataclass(frozen=True, slots=True)
class TenantOutage:
    """The platform has an outage in a community: nothing is told of it until it is back, by a TenantJoined."""

    platform_id: str


PlatformEvent: TypeAlias = TenantsReady | TenantJoined | TenantLeft | TenantOutage | ChannelDeleted
Listener: TypeAlias = Callable[[PlatformEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ThreadPage:
    """Some archived threads of a channel, and the cursor that is true once they are stored."""

    threads: tuple[ChannelRecord, ...]
    cursor: ThreadCursor


@dataclass(frozen=True, slots=True)
class CallCounts:
    """What a session has asked of the platform so far."""

    requests: int
    retries: int


class CallObserver(Protocol):
    """Who wants to know of every call, for the figures."""

    def answered(self, route: str, status: int | None, seconds: float) -> None:
        """A request was answered, or with None broke off; ``route`` holds no id."""
        ...

    def limited(self, scope: str) -> None:
        """The platform asked us to slow down."""
        ...


class PlatformSession(Protocol):
    """What one sync may ask of a platform. Every method may raise the errors above, none other."""

    @property
    def counts(self) -> CallCounts:
        """Requests sent and, among them, retries."""
        ...

    async def channels(self) -> tuple[ChannelRecord, ...]:
        """Every channel of the community and every active thread, evaluated afresh; parents before children."""
        ...

    def archived_threads(self, channel_id: str, cursor: ThreadCursor | None) -> AsyncIterator[ThreadPage]:
        """The archived threads of a channel that ``cursor`` does not cover yet. None covers nothing."""
        ...

    async def find_channel(self, channel_id: str) -> SkipReason | None:
        """Why a channel that no listing shows any more cannot be read; None where it can."""
        ...

    async def messages(
        self, channel_id: str, after: str | None, *, parent_id: str | None = None
    ) -> tuple[MessageRecord, ...]:
        """The oldest messages with an id beyond ``after``, ascending. Empty only where there are none.

        ``parent_id`` is the channel of a thread.
        """
        ...

    async def reaction_users(
        self, channel_id: str, message_id: str, emoji: str, *, burst: bool, total: int
    ) -> list[str]:
        """The hashes of the users behind one emoji of a message, at least as many as ``total`` where there are.

        ``emoji`` is as in its record. One request for every 100 users, none beyond the total.

        Raises:
            MessageGone: the message was deleted.
        """
        ...

    def sent_at(self, message_id: str) -> datetime | None:
        """When a message was sent, by its id alone; None where ids do not tell."""
        ...

    def cursor_at(self, moment: datetime) -> str:
        """What ``after`` has to be for the messages sent at a moment or later."""
        ...

    async def count_messages(self, channel_id: str) -> int | None:
        """How many messages a channel holds by the platform's own count; None where it does not tell at present."""
        ...


class PlatformAdapter(Protocol):
    """One platform, through one bot."""

    name: ClassVar[str]
    id_pattern: ClassVar[str]  # a regular expression that the platform's ids match whole

    async def run(self, listener: Listener, live: LiveListener) -> None:
        """Stay connected until cancelled, telling ``listener`` what happens, and ``live`` what changes.

        A TenantsReady says that what happened before it was not told: the connection was another one, or none.

        Raises:
            CredentialRefused: the platform will not have this bot.
        """
        ...

    @property
    def unready_reason(self) -> str | None:
        """Why the platform cannot be used at present, in plain words; None where it can."""
        ...

    @property
    def heard_at(self) -> datetime | None:
        """Until when everything that happened has surely been told; None while not connected."""
        ...

    def is_member(self, tenant_platform_id: str) -> bool:
        """Whether the bot is in this community."""
        ...

    @property
    def invite_url(self) -> str | None:
        """Where an administrator adds the bot to a community; None before the first connection."""
        ...

    async def sync(self, tenant_platform_id: str, body: Callable[[PlatformSession], Awaitable[T]]) -> T:
        """Run ``body`` with a session; the first rate limit ends it at once, whatever it is waiting for.

        Raises:
            RateLimited, TenantUnavailable, ContentWithheld, CredentialRefused: the job has to end.
        """
        ...
