"""Read a page of messages as Discord and compatible servers send it: in any order, with messages that do not belong.

Discord sends the newest first, all of them beyond the cursor. Other servers order by time, repeat the cursor's own
message, or ignore the cursor; an answer that ignores it proves nothing of what lies beyond, and counts as failed.
"""

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta

from adapters.discord.convert import SentMessage, ids_of, last_id_before, own_messages, snowflake_time
from adapters.pages import MessagePage
from adapters.records import MessageRecord

log = logging.getLogger(__name__)

PAGE_SIZE = 100  # the most that Discord gives in one answer

_DISORDER = timedelta(minutes=1)  # how far a server's order may deviate from that of the ids


def fault_of_page(body: Sequence[object], channel_id: str, after: int) -> str | None:
    """Say why a page is impossible (no message beyond the cursor, or a start long before it); None where valid."""
    ids = ids_of(own_messages(body, channel_id))
    if body and (not ids or max(ids) <= after):
        return "Discord sent a page of messages that holds none beyond the one it was to begin after"
    if ids and snowflake_time(str(min(ids))) < snowflake_time(str(after)) - _DISORDER:
        return "Discord sent a page of messages that begins long before the one it was to begin after"
    return None


def message_page(
    size: int, own: Iterable[SentMessage], records: Iterable[MessageRecord], channel_id: str, after: int
) -> MessagePage:
    """Build a page from how many messages were sent, those of the channel, and the records of these."""
    unique = {record.platform_id: record for record in records}
    ordered = sorted(unique.values(), key=_number)
    ids = ids_of(own)
    if len(ids) < size:
        log.warning(
            "messages without an id, or of another channel, are left out",
            extra={"channel": channel_id, "messages": size - len(ids)},
        )
    return MessagePage(messages=tuple(ordered), reached=_reached(ids, ordered, after), is_full=size >= PAGE_SIZE)


def _reached(ids: list[int], ordered: list[MessageRecord], after: int) -> str | None:
    """Return the id up to which a page is certainly complete.

    Where a page is not in the order of its ids, it may lack messages of the last millisecond.
    """
    if not ordered:
        return None
    last = ordered[-1].platform_id
    if _is_in_order(ids):
        return last
    before_last = last_id_before(snowflake_time(last))
    return before_last if int(before_last) > after else last


def _is_in_order(ids: list[int]) -> bool:
    return ids == sorted(ids) or ids == sorted(ids, reverse=True)


def _number(record: MessageRecord) -> int:
    return int(record.platform_id)
