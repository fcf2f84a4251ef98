"""Count a channel's messages by Discord's own figure: the total of a search for all of them.

https://docs.discord.com/developers/resources/message#search-guild-messages
"""

from collections.abc import Awaitable, Callable

from adapters.discord.convert import Payload, as_int
from adapters.errors import CallFailed, ChannelUnreadable
from adapters.records import LARGEST_COUNT

_ATTEMPTS = 3
_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 5.0


async def count_messages(
    search: Callable[[], Awaitable[Payload]], sleep: Callable[[float], Awaitable[None]]
) -> int | None:
    """Return the count, or None where the bot may not search or Discord is still indexing after two short waits."""
    for attempt in range(_ATTEMPTS):
        try:
            answer = await search()
        except (ChannelUnreadable, CallFailed):
            return None
        if answer.get("doing_deep_historical_index"):
            return None
        total = as_int(answer.get("total_results"))
        if total is not None or attempt == _ATTEMPTS - 1:
            return total if total is not None and 0 <= total <= LARGEST_COUNT else None
        retry_after = as_int(answer.get("retry_after")) or 0
        await sleep(min(max(retry_after, _SHORTEST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS))
    return None
