"""Prove that stored messages which a page leaves out were deleted: they could be left out by mistake.

A full page that leaves them out in front could be the newest one, with its cursor ignored: a page from its middle shows
that. Any page could be wrong once, so it is requested again; where the cursor may be ignored now and then, twice.
"""

from functools import partial

from adapters.base import PlatformSession
from adapters.errors import UntrueAnswer
from adapters.ids import number
from bot.sync.pages import Answer, first_behind, read_behind
from storage import messages
from storage.database import Database
from storage.repair import RefetchRange

_LOOKS = 2  # at a page that may be the newest one: where a cursor is ignored now and then, one look can be deceived


async def confirm_absent(db: Database, session: PlatformSession, refetch: RefetchRange, answer: Answer) -> int:
    """Return how many requests the proof took: none where the page leaves out no stored message.

    Raises:
        UntrueAnswer: the platform ignores the cursor, or sends another page the second time.
    """
    after, reached = refetch.after_platform_id, answer.reached
    shown = {message.platform_id for message in answer.messages}
    is_absent = partial(messages.has_absent, db, refetch.channel_id, shown=shown, visible_since=answer.visible_since)
    if reached is None or not await is_absent(after, reached):
        return 0
    channel_id, parent_id = refetch.channel_platform_id, refetch.thread_parent_id
    first, middle = (number(answer.messages[i].platform_id) for i in (0, len(answer.messages) // 2))
    is_suspicious = answer.is_full and await is_absent(after, str(first - 1))
    for _ in range(_LOOKS if is_suspicious else 1):
        if is_suspicious:
            found = await first_behind(session, channel_id, str(middle), parent_id=parent_id)
            if found is None or found < middle:
                raise UntrueAnswer("the platform sent a page that does not begin behind its cursor", attempts=1)
        again = await read_behind(session, channel_id, after, parent_id=parent_id, with_witness=False)
        if again.reached is None or again.ids(after, reached) - shown or await is_absent(again.reached, reached):
            raise UntrueAnswer("the platform sent another page the second time", attempts=1)
    return 2 * _LOOKS if is_suspicious else 1
