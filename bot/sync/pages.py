"""One step of a walk through a channel's messages."""

from adapters.base import MessagePage, PlatformSession
from adapters.errors import CallFailed


async def next_page(
    session: PlatformSession, channel_id: str, after: str | None, *, parent_id: str | None
) -> MessagePage:
    """Request the page behind a cursor.

    Raises:
        CallFailed: also where the page does not lead beyond the cursor: the walk would go on for ever.
    """
    page = await session.messages(channel_id, after, parent_id=parent_id)
    if page.messages and int(page.reached or 0) <= int(after or 0):
        raise CallFailed("the platform sent a page that does not lead beyond its cursor", attempts=1)
    return page
