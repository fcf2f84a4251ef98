"""Requests to Discord: paced, tried again, ended by a rate limit; and the errors that its answers become."""

from adapters.discord.rest.answers import (
    LARGE,
    decode,
    decoded_by,
)
from adapters.discord.rest.buckets import (
    drop_buckets_seldom,
)
from adapters.discord.rest.client import (
    RequestScope,
    RestClient,
)
from adapters.discord.rest.errors import (
    ChannelForbidden,
    EmojiGone,
    rate_limit,
)
from adapters.discord.rest.rate_limiter import (
    RateLimiter,
)

__all__ = [
    "LARGE",
    "ChannelForbidden",
    "EmojiGone",
    "RateLimiter",
    "RequestScope",
    "RestClient",
    "decode",
    "decoded_by",
    "drop_buckets_seldom",
    "rate_limit",
]
