"""Discord's rate limits, enforced: a client that goes too fast gets the 429 that Discord would send.

Without enforcement here a test could not tell a paced client from one that is merely lucky.
https://discord.com/developers/docs/topics/rate-limits
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Scope = Literal["user", "global", "shared", "cloudflare"]

MESSAGE_ROUTES = ("/channels/{channel_id}/messages", "/channels/{channel_id}/messages/{message_id}")
"""The routes known to be as tight as 5 per 5 s for a channel (each with a bucket of its own)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is allowed. Pairs are (requests, seconds of the window)."""

    global_per_second: int = 50
    channel_messages: tuple[int, float] = (5, 5.0)
    other_routes: tuple[int, float] = (50, 1.0)
    headers: Literal["truthful", "lying"] = "truthful"
    invalid_per_ten_minutes: int = 10_000
    enforce: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request that came too fast: why, and when it may come again."""

    scope: Scope
    retry_after_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the limits say about one request: the headers its answer carries, and whether it is refused."""

    headers: Mapping[str, str]
    refusal: Refusal | None = None


class Window:
    """So many in so many seconds, counted from the first: the shape of Discord's buckets."""

    __slots__ = ("allowed", "ends_at", "seconds", "used")

    def __init__(self, allowed: int, seconds: float) -> None:
        self.allowed = allowed
        self.seconds = seconds
        self.used = 0
        self.ends_at = -math.inf

    def take(self, now: float) -> bool:
        """Use one up; return False where none is left."""
        if now >= self.ends_at:
            self.used, self.ends_at = 0, now + self.seconds
        self.used += 1
        return self.used <= self.allowed

    def left(self) -> int:
        """Return how many are left in the window that is open."""
        return max(0, self.allowed - self.used)


class Limiter:
    """The state behind `Limits`: a global window, one a route and channel or guild, and the invalid requests."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float] = lambda: time.monotonic()) -> None:
        self._limits = limits
        self._clock = clock
        settings = limits or Limits()
        self._global = Window(settings.global_per_second, 1.0)
        self._invalid = Window(settings.invalid_per_ten_minutes, 600.0)
        self._routes: dict[tuple[str, str | None], Window] = {}

    def banned(self) -> Refusal | None:
        """Cloudflare's refusal of an address that sent too many invalid requests."""
        now = self._clock()
        if self._limits is None or now >= self._invalid.ends_at or self._invalid.used < self._invalid.allowed:
            return None
        return Refusal(scope="cloudflare", retry_after_seconds=self._invalid.ends_at - now)

    def answered(self, status: int, scope: str | None) -> None:
        """Count an answer towards the ban: 401, 403 and 429, except the 429 of a shared resource."""
        if status in (401, 403) or (status == 429 and scope != "shared"):
            self._invalid.take(self._clock())

    def admit(self, template: str, major_id: str | None) -> Verdict:
        """Judge one request to a route, within one channel or guild (`major_id`)."""
        if self._limits is None:
            return _UNLIMITED
        now = self._clock()
        # Both windows count every request, as each of Discord's two counters does.
        window = self._window(template, major_id)
        within_global, within_route = self._global.take(now), window.take(now)
        if self._limits.enforce and not within_global:
            wait = self._global.ends_at - now
            return Verdict(headers={}, refusal=Refusal(scope="global", retry_after_seconds=wait))
        if self._limits.enforce and not within_route:
            refusal = Refusal(scope="user", retry_after_seconds=window.ends_at - now)
            return Verdict(headers=self._truth(template, window, now), refusal=refusal)
        return Verdict(headers=self._headers(template, window, now))

    def _window(self, template: str, major_id: str | None) -> Window:
        window = self._routes.get((template, major_id))
        if window is None:
            limits = self._limits or Limits()
            size = limits.channel_messages if template in MESSAGE_ROUTES else limits.other_routes
            window = self._routes[template, major_id] = Window(*size)
        return window

    def _headers(self, template: str, window: Window, now: float) -> dict[str, str]:
        if self._limits is not None and self._limits.headers == "lying" and template in MESSAGE_ROUTES:
            # Reported of the live service: https://github.com/discord/discord-api-docs/issues/8161
            return _rate_limit_headers(template, allowed=1000, left=999, reset_after=1.0)
        return self._truth(template, window, now)

    def _truth(self, template: str, window: Window, now: float) -> dict[str, str]:
        return _rate_limit_headers(
            template, allowed=window.allowed, left=window.left(), reset_after=window.ends_at - now
        )


def refusal_headers(refusal: Refusal) -> dict[str, str]:
    """Return what a 429 carries beside the headers of its bucket."""
    headers = {"Retry-After": str(max(1, math.ceil(refusal.retry_after_seconds)))}
    if refusal.scope != "cloudflare":
        headers["X-RateLimit-Scope"] = refusal.scope
    if refusal.scope == "global":
        headers["X-RateLimit-Global"] = "true"
    return headers


def _rate_limit_headers(template: str, *, allowed: int, left: int, reset_after: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(allowed),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": f"{time.time() + reset_after:.3f}",
        "X-RateLimit-Reset-After": f"{reset_after:.3f}",
        "X-RateLimit-Bucket": _bucket_name(template),
    }


def _bucket_name(template: str) -> str:
    name = _BUCKET_NAMES.get(template)
    if name is None:
        name = _BUCKET_NAMES[template] = hashlib.sha256(template.encode()).hexdigest()[:32]
    return name


_BUCKET_NAMES: dict[str, str] = {}
_UNLIMITED = Verdict(headers={})
