"""One step of a walk through a channel's messages."""

from dataclasses import dataclass

from adapters.base import PlatformSession
from adapters.errors import CallFailed
from adapters.records import MessageRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A page behind a message, without that message itself."""

    messages: tuple[MessageRecord, ...]  # ascending; some may not lie behind it: a platform may send them late
    reached: str | None  # what the next page is to be asked behind; None where nothing lies behind
    is_full: bool
    is_proven: bool  # whether it shows by itself that the bot may read there

    @property
    def up_to_reached(self) -> tuple[MessageRecord, ...]:
        """Those up to which it is whole: the next page shows the others again, with what is missing among them.

        A checkpoint may be moved to the newest of these, and to none beyond.
        """
        if self.reached is None:
            return self.messages
        return tuple(message for message in self.messages if _number(message) <= int(self.reached))

    def holds(self, message_id: str | None) -> bool:
        """Return whether a message, or one beyond it, is in it."""
        return bool(self.messages) and message_id is not None and _number(self.messages[-1]) >= int(message_id)


NOTHING = Answer(messages=(), reached=None, is_full=False, is_proven=True)
"""A page that is known to be empty."""


async def read_behind(
    session: PlatformSession, channel_id: str, after: str | None, *, parent_id: str | None, with_witness: bool
) -> Answer:
    """Request the page behind a message; ``with_witness`` has it begin with that message itself.

    Worth it where the end of the channel is expected: then no second request is needed to prove it.

    Raises:
        CallFailed: also where the page does not lead on: the walk would never end.
    """
    start = int(after or 0)
    begin = max(start - 1, 0) if with_witness else start
    page = await session.messages(channel_id, str(begin) if after else None, parent_id=parent_id)
    newest = _number(page.messages[-1]) if page.messages else None
    if newest is not None and newest <= begin:
        raise CallFailed("the platform sent a page that does not lead beyond its cursor", attempts=1)
    reached = None
    if newest is not None and newest > start:
        reached = page.reached if int(page.reached or 0) > start else str(newest)
    behind = tuple(message for message in page.messages if _number(message) != start)
    return Answer(messages=behind, reached=reached, is_full=page.is_full, is_proven=bool(page.messages))


def _number(message: MessageRecord) -> int:
    return int(message.platform_id)
