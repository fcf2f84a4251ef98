"""Note what could not be written of live changes, so that it is known until their messages were read again."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live.changes import MessageChange
from storage.unwritten import EventKind, Reason, UnwrittenEvent, add_unwritten, reason_of


def kinds_of(change: MessageChange) -> Iterator[EventKind]:
    """Yield the kinds of events that a change was gathered from."""
    has_reactions = change.reactions or change.cleared or change.is_cleared
    parts = {
        EventKind.CREATED: change.created is not None,
        EventKind.EDITED: change.edited is not None,
        EventKind.DELETED: change.is_deleted,
        EventKind.REACTIONS: bool(has_reactions),
        EventKind.INVALIDATED: change.is_invalidated,
    }
    return (kind for kind, is_part in parts.items() if is_part)


def unwritten_events(change: MessageChange, reason: Reason) -> list[UnwrittenEvent]:
    """Return the events of a change that could not be written."""
    return [
        UnwrittenEvent(
            tenant_id=change.tenant_id,
            channel_platform_id=change.channel_platform_id,
            message_platform_id=change.message_platform_id,
            kind=kind,
            reason=reason,
        )
        for kind in kinds_of(change)
    ]


async def note_set_aside_events(
    connection: AsyncConnection,
    changes: Mapping[tuple[int, str], MessageChange],
    refused: Mapping[tuple[int, str], str],
    now: datetime,
    *,
    only: EventKind | None = None,
) -> None:
    """Note the events of messages that were set aside, in the transaction that stores the others.

    Args:
        connection: of the transaction.
        changes: by channel (``channels.id``) and message.
        refused: the messages that the database cannot hold, each with the class of the error.
        now: the time of the rows' change.
        only: the kind of event that is concerned; None: all of a message, which has no row.
    """
    events = [event for key, error in refused.items() for event in unwritten_events(changes[key], reason_of(error))]
    await add_unwritten(connection, [event for event in events if only in (None, event.kind)], now)
