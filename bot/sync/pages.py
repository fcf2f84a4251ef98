"""One step of a walk through a channel's messages: request the page behind a message."""

from dataclasses import dataclass, replace
from datetime import datetime

from adapters.base import PlatformSession
from adapters.errors import UntrueAnswer
from adapters.ids import number
from adapters.records import ChannelRecord, MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The page behind a message, without that message itself."""

    messages: tuple[MessageRecord, ...]  # ascending; may include late ones that do not lie behind the message
    reached: str | None  # the cursor of the next page; None where nothing lies behind
    is_full: bool
    is_proven: bool  # whether a message in it proves that the bot may read there
    threads: tuple[ChannelRecord, ...] = ()  # those that show themselves in these messages alone
    visible_since: datetime | None = None  # from when on the platform shows messages; None: all

    @property
    def up_to_reached(self) -> tuple[MessageRecord, ...]:
        """The messages up to which the page is complete; the next page repeats the others and the missing ones.

        A checkpoint may be moved to the newest of these, but not beyond.
        """
        if self.reached is None:
            return self.messages
        return tuple(message for message in self.messages if _number(message) <= number(self.reached))

    def ids(self, after: str | None, until: str) -> set[str]:
        """Return the ids of its messages behind one message, up to another one."""
        return {m.platform_id for m in self.messages if number(after) < _number(m) <= number(until)}

    def holds(self, message_id: str | None) -> bool:
        """Return whether the page holds a message with this or a higher id."""
        return bool(self.messages) and message_id is not None and _number(self.messages[-1]) >= number(message_id)


NOTHING = Answer(messages=(), reached=None, is_full=False, is_proven=True)
"""An empty page that is proven."""


async def read_behind(
    session: PlatformSession, channel_id: str, after: str | None, *, parent_id: str | None, with_witness: bool
) -> Answer:
    """Request the page behind a message; with ``with_witness`` the request includes that message itself.

    Useful where the channel's end is expected: the witness proves an empty page without a second request.

    Raises:
        CallFailed: the request failed.
        UntrueAnswer: the page does not move the cursor, so that the walk would never end; or it is full of what lies
            up to the message, as where the cursor is ignored; or it shows nothing, and says that more follows.
    """
    start = number(after)
    begin = max(start - 1, 0) if with_witness else start
    page = await session.messages(channel_id, str(begin) if after else None, parent_id=parent_id)
    newest = _number(page.messages[-1]) if page.messages else None
    if newest is not None and newest <= begin:
        raise UntrueAnswer("the platform sent a page that does not lead beyond its cursor", attempts=1)
    if page.is_full and with_witness and [_number(message) for message in page.messages] == [start]:
        behind = await read_behind(session, channel_id, after, parent_id=parent_id, with_witness=False)
        return replace(behind, is_proven=True)
    if page.is_full and not page.messages:
        raise UntrueAnswer("the platform sent an empty page and says that more follows", attempts=1)
    if page.is_full and _number(page.messages[len(page.messages) // 2]) <= start:
        raise UntrueAnswer("the platform sent a page that begins long before its cursor", attempts=1)
    reached = None
    if newest is not None and newest > start:
        reached = page.reached if number(page.reached) > start else str(newest)
    return Answer(
        messages=tuple(message for message in page.messages if _number(message) != start),
        reached=reached,
        is_full=page.is_full,
        is_proven=bool(page.messages),
        threads=page.threads,
        visible_since=page.visible_since,
    )


async def first_behind(
    session: PlatformSession, channel_id: str, after: str | None, *, parent_id: str | None
) -> int | None:
    """Return the id of the first message that the page behind another one shows; None where it is empty."""
    answer = await read_behind(session, channel_id, after, parent_id=parent_id, with_witness=False)
    return _number(answer.messages[0]) if answer.messages else None


def _number(message: MessageRecord) -> int:
    return number(message.platform_id)
