"""Read a page of messages as Discord and its likes send it: in any order, with what does not belong there.

Discord sends the newest first, all beyond the cursor. Other servers order by time, repeat the cursor's own message, or
ignore the cursor: the answer then says nothing of what lies beyond it, and counts as a failed one.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from adapters.discord.convert import Payload, as_objects, last_id_before, snowflake, snowflake_time
from adapters.pages import MessagePage
from adapters.records import MessageRecord

log = logging.getLogger(__name__)

PAGE_SIZE = 100  # the most that Discord gives in one answer

_DISORDER = timedelta(minutes=1)  # how far a server's order may be from that of its ids


def fault_of_page(body: object, channel_id: str, after: int) -> str | None:
    """Say why a page cannot be true: it brings nothing of the channel beyond the cursor, or begins long before it."""
    ids = [int(message_id) for message_id in _ids(own_messages(body, channel_id))]
    if body and (not ids or max(ids) <= after):
        return "Discord sent a page of messages that holds none beyond the one it was to begin after"
    if ids and snowflake_time(str(min(ids))) < snowflake_time(str(after)) - _DISORDER:
        return "Discord sent a page of messages that begins long before the one it was to begin after"
    return None


def message_page(sent: list[Any], records: Iterable[MessageRecord], channel_id: str, after: int) -> MessagePage:
    """Return a page without a fault, of what was sent and the records of its ``own_messages``."""
    unique = {record.platform_id: record for record in records}
    ordered = sorted(unique.values(), key=_number)
    ids = [int(message_id) for message_id in _ids(own_messages(sent, channel_id))]
    if len(ids) < len(sent):
        log.warning(
            "messages without an id, or of another channel, are left out",
            extra={"channel": channel_id, "messages": len(sent) - len(ids)},
        )
    return MessagePage(messages=tuple(ordered), reached=_reached(ids, ordered, after), is_full=len(sent) >= PAGE_SIZE)


def _reached(ids: list[int], ordered: list[MessageRecord], after: int) -> str | None:
    """Return how far a page is surely whole.

    Where it is not in the order of its ids, one of the last millisecond or so may be missing at its edge.
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


def own_messages(body: object, channel_id: str) -> list[Payload]:
    """Return the messages of a page that belong to its channel."""
    return [p for p in as_objects(body) if snowflake(p.get("channel_id")) in (None, channel_id)]


def _ids(payloads: list[Payload]) -> list[str]:
    return [message_id for payload in payloads if (message_id := snowflake(payload.get("id")))]


def _number(record: MessageRecord) -> int:
    return int(record.platform_id)
