"""Read a page of messages as Discord and compatible servers send it: in any order, with messages that do not belong.

Discord sends the newest first, all of them beyond the cursor. Other servers order by time, repeat the cursor's own
message, or ignore the cursor; an answer that ignores it proves nothing of what lies beyond, and counts as failed.
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

_DISORDER = timedelta(minutes=1)  # how far a server's order may deviate from that of the ids


def fault_of_page(body: object, channel_id: str, after: int) -> str | None:
    """Say why a page is impossible (no message beyond the cursor, or a start long before it); None where valid."""
    ids = [int(message_id) for message_id in _ids(own_messages(body, channel_id))]
    if body and (not ids or max(ids) <= after):
        return "Discord sent a page of messages that holds none beyond the one it was to begin after"
    if ids and snowflake_time(str(min(ids))) < snowflake_time(str(after)) - _DISORDER:
        return "Discord sent a page of messages that begins long before the one it was to begin after"
    return None


def message_page(sent: list[Any], records: Iterable[MessageRecord], channel_id: str, after: int) -> MessagePage:
    """Build a page from the payloads sent and the records of their ``own_messages``."""
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


def own_messages(body: object, channel_id: str) -> list[Payload]:
    """Return the messages of a page that belong to its channel."""
    return [p for p in as_objects(body) if snowflake(p.get("channel_id")) in (None, channel_id)]


def _ids(payloads: list[Payload]) -> list[str]:
    return [message_id for payload in payloads if (message_id := snowflake(payload.get("id")))]


def _number(record: MessageRecord) -> int:
    return int(record.platform_id)
