"""Isolate changes that the database refuses, so that the others are applied."""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from bot.live.buffer import Key
from storage import live
from storage.database import Database
from storage.errors import StorageError, ValueRefused
from storage.live import ChannelKey, MessageChange, Part
from storage.unwritten import UnwrittenEvent, reason_of

log = logging.getLogger(__name__)


def is_refused(error: Exception) -> bool:
    """Return whether a value may be the cause, rather than the state of the database.

    An unexpected error (one that is no ``StorageError``) may be either; trying halves repeats it.
    """
    return not isinstance(error, StorageError) or isinstance(error, ValueRefused) or error.code == StorageError.code


@dataclass(slots=True)
class Outcome:
    """What became of a batch of changes."""

    refused: dict[Key, Exception] = field(default_factory=dict)  # messages whose change cannot be stored
    unwritten: list[UnwrittenEvent] = field(default_factory=list)  # their events
    left_out: set[ChannelKey] = field(default_factory=set)  # channels of which new messages were not stored
    moved: set[ChannelKey] = field(default_factory=set)  # channels whose checkpoint moved with all of them


async def apply_bisecting(
    db: Database,
    changes: Sequence[MessageChange],
    now: datetime,
    owner: str,
    leases: Mapping[Part, int],
    hidden: Collection[ChannelKey],
    followed: Collection[ChannelKey],
) -> Outcome:
    """Apply changes; where one cannot be stored, apply all others, and move no checkpoint.

    Raises:
        LeadershipLost: another process leads one of the parts by which they came.
        StorageError: the database takes no change.
    """
    applied = Outcome()
    if changes:
        apply = partial(live.apply_changes, db, now=now, owner=owner, leases=leases, hidden=hidden)
        await _bisect(apply, changes, followed, applied)
    applied.left_out |= {(tenant_id, channel_id) for tenant_id, channel_id, _ in applied.refused}
    if applied.refused:
        (channel, message), first = next(iter(applied.refused))[1:], next(iter(applied.refused.values()))
        facts = {"changes": len(applied.refused), "channel": channel, "message_id": message}
        log.error("changes cannot be stored, such as this one's", extra=facts, exc_info=first)
    applied.unwritten = [
        event
        for change in changes
        if (error := applied.refused.get(_key(change)))
        for event in live.unwritten_events(change, reason_of(type(error).__name__))
    ]
    return applied


async def _bisect(
    apply: Callable[..., Awaitable[live.Applied]],
    changes: Sequence[MessageChange],
    followed: Collection[ChannelKey],
    applied: Outcome,
) -> None:
    try:
        found = await apply(changes, followed=followed)
        applied.left_out.update(found.left_out)
        applied.moved.update(found.moved)
    except Exception as e:
        if not is_refused(e):
            raise
        if len(changes) == 1:
            (change,) = changes
            applied.refused[_key(change)] = e
            return
        middle = len(changes) // 2
        for half in (changes[:middle], changes[middle:]):
            await _bisect(apply, half, (), applied)


def _key(change: MessageChange) -> Key:
    return change.tenant_id, change.channel_platform_id, change.message_platform_id
