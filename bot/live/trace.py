"""Log at debug level which live events come in, and why one goes no further, by ids of channels and messages alone.

What becomes of the others is logged where they are stored (``storage/live/trace.py``). Nothing is made of them for a
level that is off.
"""

import logging
from collections.abc import Iterable, Sequence

from adapters.events import (
    ChannelChanged,
    LiveEvent,
    MessageCreated,
    MessageEdited,
    MessageInvalidated,
    MessageMissed,
    MessagesDeleted,
    ReactionChanged,
    ReactionsCleared,
)
from storage.live import MessageChange, kinds_of
from storage.unwritten import EventKind

log = logging.getLogger(__name__)

_KINDS: dict[type[LiveEvent], EventKind] = {
    MessageCreated: EventKind.CREATED,
    MessageMissed: EventKind.CREATED,
    MessageEdited: EventKind.EDITED,
    MessagesDeleted: EventKind.DELETED,
    ReactionChanged: EventKind.REACTIONS,
    ReactionsCleared: EventKind.REACTIONS,
    MessageInvalidated: EventKind.INVALIDATED,
}


def trace_received(event: LiveEvent) -> None:
    """Log an event of messages that came in."""
    if log.isEnabledFor(logging.DEBUG) and not isinstance(event, ChannelChanged):
        for message_id in _messages_of(event):
            log.debug("live event received", extra=_facts(event, message_id))


def trace_ignored(event: LiveEvent, why: str) -> None:
    """Log an event of messages that goes no further."""
    if log.isEnabledFor(logging.DEBUG) and not isinstance(event, ChannelChanged):
        for message_id in _messages_of(event):
            log.debug("live event ignored", extra={**_facts(event, message_id), "because": why})


def trace_discarded(changes: Iterable[MessageChange], why: str) -> None:
    """Log changes that were gathered, and are not written here."""
    if log.isEnabledFor(logging.DEBUG):
        for change in changes:
            facts = {"channel": change.channel_platform_id, "message_id": change.message_platform_id}
            log.debug("live event ignored", extra={**facts, "kinds": list(map(str, kinds_of(change))), "because": why})


def _facts(event: LiveEvent, message_id: str) -> dict[str, object]:
    channel = None if isinstance(event, ChannelChanged) else event.channel.platform_id
    kinds = [str(_KINDS.get(type(event), EventKind.UNKNOWN))]
    return {"channel": channel, "message_id": message_id, "kinds": kinds}


def _messages_of(event: LiveEvent) -> Sequence[str]:
    match event:
        case ChannelChanged():
            return ()
        case MessageCreated() | MessageEdited():
            return (event.message.platform_id,)
        case MessagesDeleted():
            return event.message_platform_ids
        case MessageMissed():
            return () if event.message_platform_id is None else (event.message_platform_id,)
    return (event.message_platform_id,)
