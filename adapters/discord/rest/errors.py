"""Turn an answer of Discord's into the error that its caller acts on."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import nan
from typing import Any

import discord
import yarl

from adapters.errors import (
    CallFailed,
    ChannelUnreadable,
    CredentialRefused,
    MessageGone,
    NoSuchCall,
    PlatformError,
    RateLimited,
    TenantUnavailable,
)
from adapters.records import SkipReason

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#json-json-error-codes
_UNKNOWN_CHANNEL = 10003
_UNKNOWN_GUILD = 10004
_UNKNOWN_MEMBER = 10007
_UNKNOWN_MESSAGE = 10008
_UNKNOWN_EMOJI = 10014
_ACCESS_CODES = (50001, 50013)

_VERSION = re.compile(r"^/api/v\d+")
_ID = re.compile(r"/\d+")
_EMOJI = re.compile(r"/reactions/.*")


class EmojiGone(PlatformError):
    """No user has left this emoji on the message."""

    code = "emoji_gone"


class ChannelForbidden(ChannelUnreadable):
    """The bot may not read a channel."""

    remedy = "give the bot View Channel and Read Message History there, if it should be archived"

    def __init__(self) -> None:
        super().__init__(SkipReason.BOT_LACKS_ACCESS)


class Transient(Exception):
    """Discord or the connection to it failed; the same call may succeed a little later."""


class ImpossibleAnswer(Transient):
    """Discord sent an answer that cannot be true, such as roles without @everyone."""


def rate_limit(headers: Any) -> RateLimited:
    """Read from a 429's headers for how long it holds, and for whom."""
    if "Via" not in headers:
        scope = "cloudflare"
    elif headers.get("X-RateLimit-Global"):
        scope = "global"
    else:
        scope = headers.get("X-RateLimit-Scope", "user")
    return RateLimited(retry_after_seconds=_seconds(headers.get("Retry-After", "")), scope=scope)


def _seconds(retry_after: str) -> float:
    """Parse a number of seconds or an HTTP date into seconds; NaN where it is neither, or not a wait."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after).astimezone(UTC) - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError):
            return nan
    return seconds if seconds >= 0 else nan


def to_platform_error(error: discord.HTTPException, attempts: int) -> PlatformError:
    """Return the error that names what the caller has to do."""
    if error.status == 401:
        return CredentialRefused("Discord no longer accepts the bot's token")
    if error.code == _UNKNOWN_CHANNEL:
        return ChannelUnreadable(SkipReason.DELETED)
    if error.code == _UNKNOWN_MESSAGE:
        return MessageGone()
    if error.code == _UNKNOWN_EMOJI:
        return EmojiGone()
    if error.code in (_UNKNOWN_GUILD, _UNKNOWN_MEMBER):
        return TenantUnavailable("Discord knows no such guild, or the bot is not in it")
    if error.status == 403 and error.code in _ACCESS_CODES:
        return ChannelForbidden()
    # Never the body's text: it may repeat what was sent.
    failed = NoSuchCall if (error.status, error.code) == (404, 0) else CallFailed
    return failed(f"Discord refused the call: status {error.status}, code {error.code}", attempts=attempts)


def describe(error: BaseException) -> str:
    """Describe a transient failure in plain words."""
    if isinstance(error, Transient):
        return str(error)
    if isinstance(error, TimeoutError):
        return "Discord did not answer in time"
    if isinstance(error, ValueError):
        return "Discord answered with something that is not JSON"
    return f"the connection to Discord failed ({type(error).__name__})"


def route_of(method: str, url: yarl.URL) -> str:
    """Return the call without its ids, emoji and query: few names for the metrics, and no user's id."""
    path = _VERSION.sub("", url.path)
    return f"{method} {_EMOJI.sub('/reactions/{emoji}', _ID.sub('/{id}', path))}"
