"""What a platform can refuse, named by what the caller does about it: give the channel up, end the job, stop."""

from math import isnan
from typing import ClassVar

from adapters.records import SkipReason

_LONGEST_WAIT_SECONDS = 86_400.0
_DEFAULT_WAIT_SECONDS = 60.0


class PlatformError(Exception):
    """The platform refused a request or failed at it."""

    code: ClassVar[str] = "platform_error"
    remedy: str = "nothing need be done: the next sync tries again"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").splitlines()[0])


class CallFailed(PlatformError):
    """A call failed, also after its retries. Give the channel up."""

    code = "call_failed"

    def __init__(self, message: str, *, attempts: int) -> None:
        super().__init__(message)
        self.attempts = attempts


class UntrueAnswer(CallFailed):
    """A call got an answer that cannot be true, also after its retries. Trust no part of an answer before it either."""


class NoSuchCall(CallFailed):
    """The platform does not support the call."""


class MessageUnreadable(CallFailed):
    """A message cannot be converted into a record. Stop reading the channel in front of it."""

    code = "message_unreadable"
    remedy = "please report it: the message named here holds something that this program does not expect"

    def __init__(self, message_id: str | None, cause: str) -> None:
        super().__init__(f"the message {message_id} cannot be converted ({cause})", attempts=1)


class ChannelUnreadable(PlatformError):
    """A channel cannot be read, or was deleted. Give it up; the next listing determines its skip reason."""

    code = "channel_unreadable"
    remedy = "let the bot read it, if it should be archived"

    def __init__(self, reason: SkipReason) -> None:
        super().__init__(f"the platform refuses to show this channel: {reason}")
        self.reason = reason


class MessageGone(PlatformError):
    """A message was deleted, by the platform's own word. Mark it so."""

    code = "message_gone"


class RateLimited(PlatformError):
    """The platform limits the rate. End the job; nothing more may be sent for it."""

    code = "rate_limited"
    remedy = "nothing need be done: the next sync goes on once the wait is over; if it comes often, lower the pace"

    def __init__(self, *, retry_after_seconds: float, scope: str) -> None:
        """Keep the requested wait within bounds: a day at most, a minute where none is stated.

        ``scope`` is the platform's word for what is limited; "global" and "cloudflare" stop all tenants of the bot.
        """
        seconds = _DEFAULT_WAIT_SECONDS if isnan(retry_after_seconds) else retry_after_seconds
        self.retry_after_seconds = min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)
        self.scope = scope
        super().__init__(f"rate limited by the platform (scope {scope}) for {self.retry_after_seconds:g} s")

    @property
    def is_global(self) -> bool:
        """Whether every tenant has to wait, not this one alone."""
        return self.scope in ("global", "cloudflare")


class TenantUnavailable(PlatformError):
    """The bot is not in this community, or the platform has an outage there. End the job."""

    code = "tenant_unavailable"
    remedy = "if the bot was removed, add it again with its invite link; an outage passes by itself"


class ContentWithheld(PlatformError):
    """The platform withholds message content. End the job; store nothing of the blank messages."""

    code = "content_withheld"
    remedy = "switch on the privilege where the bot is registered, then start again"


class TenantCredentialRefused(PlatformError):
    """The platform refuses the token of this community. End the job; the others go on."""

    code = "tenant_credential_refused"

    def __init__(self, setting: str) -> None:
        """``setting`` is the one that holds the token."""
        super().__init__(f"the platform refuses the token of this community, which {setting} holds")
        self.remedy = f"set this community's token anew ({setting}), then start again"


class CredentialRefused(PlatformError):
    """The platform refuses the bot's token or what it asks for. Leave it alone: trying again cannot help."""

    code = "credential_refused"
    remedy = "set the bot's token anew, then start again"
