"""Have discord.py drop the rate limits of channels that are requested no more.

It looks at all of them whenever it meets a channel that is new to it. Where many thousand channels are requested within
its five minutes, as in the first syncs of 10,000 communities, that took two fifths of all CPU time.
"""

import time

from discord.http import HTTPClient

_PAUSE_SECONDS = 30.0


def drop_buckets_seldom(http: HTTPClient) -> None:
    """Let a client look for rate limits to be dropped once in half a minute; those in force are not touched.

    Args:
        http: the library's client; a method of this one object is replaced.
    """
    drop, due = http._try_clear_expired_ratelimits, 0.0  # noqa: SLF001 (docs/decisions/0003)

    def drop_if_due() -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + _PAUSE_SECONDS
            drop()

    http._try_clear_expired_ratelimits = drop_if_due  # type: ignore[method-assign]  # noqa: SLF001 (as above)
