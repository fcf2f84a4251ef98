"""Requests to Discord: paced, tried again, ended by a rate limit; and what its answers mean."""

from adapters.discord.rest.client import (
    CallContext,
    Calls,
)
from adapters.discord.rest.errors import (
    EmojiGone,
)
from adapters.discord.rest.rate_limiter import (
    Pace,
)

__all__ = [
    "CallContext",
    "Calls",
    "EmojiGone",
    "Pace",
]
