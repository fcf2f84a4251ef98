"""List the ids of the users behind one emoji of a message, ascending."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from adapters.discord.convert import as_objects, snowflake
from adapters.discord.message_page import PAGE_SIZE
from adapters.discord.rest import EmojiGone

FaultOf: TypeAlias = Callable[[list[Any]], str | None]
"""Returns why an answer is impossible; None where it is valid."""

Fetch: TypeAlias = Callable[[int | None, FaultOf], Awaitable[list[Any]]]
"""Requests the page of users with ids beyond the given one; with None the first page."""


async def reaction_users(fetch: Fetch, total: int) -> list[str]:
    """Request pages until the total is reached or a page is not full; return the ids."""
    found: dict[str, None] = {}
    after: int | None = None
    while len(found) < total:
        cursor = after

        def fault_of(body: list[Any], cursor: int | None = cursor) -> str | None:
            if not body or any(cursor is None or int(user_id) > cursor for user_id in _ids(body)):
                return None
            return "Discord sent a page of users that holds none beyond the one it was to begin after"

        try:
            page = await fetch(after, fault_of)
        except EmojiGone:
            break
        found |= dict.fromkeys(_ids(page))
        if len(page) < PAGE_SIZE:
            break
        after = max(map(int, _ids(page)))
    return list(found)


def _ids(body: list[Any]) -> list[str]:
    return [user_id for user in as_objects(body) if (user_id := snowflake(user.get("id")))]
