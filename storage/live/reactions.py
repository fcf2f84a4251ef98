"""Reactions as they are given, taken back and cleared: who gave them, and the totals that follow from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live import reaction_rows as rows
from storage.live.changes import ReactionState, StoredChange
from storage.live.reaction_rows import TotalKey, UserKey
from storage.live.tally import Tally
from storage.privacy import Redactor
from storage.sql import clean_text


@dataclass(frozen=True, slots=True)
class _Event:
    """A user gave an emoji or took it back."""

    total: TotalKey
    user: UserKey
    emoji: str
    is_given: bool
    is_of_forgotten: bool  # whose reactions are not stored: nobody can tell whether this one was counted already


async def apply_reactions(
    connection: AsyncConnection, stored: Iterable[StoredChange], redactors: Mapping[str, Redactor], now: datetime
) -> None:
    """Take away what was cleared, then count what was given and taken back since."""
    await _clear(connection, stored)
    events = [_event(one, state, redactors[one.change.tenant_id]) for one in stored for state in one.change.reactions]
    if not events:
        return
    tallies = await rows.find_totals(connection, {event.total for event in events})
    before = await rows.find_users(connection, {event.user for event in events if _is_known(event, tallies)})
    after = set(before)
    for event in events:
        _count(event, tallies, after)
    await _save(connection, tallies, now)
    await rows.add_users(connection, [(user, tallies[user[:4]].emoji) for user in after - before], now)
    await rows.delete_users(connection, before - after)
    gone = [key for key, tally in tallies.items() if tally.is_changed and tally.is_stored and tally.is_gone]
    await rows.delete_totals(connection, gone)


async def _clear(connection: AsyncConnection, stored: Iterable[StoredChange]) -> None:
    cleared = [one for one in stored if one.change.is_cleared]
    messages = [(one.channel_id, one.change.message_id) for one in cleared]
    emoji = [(one.channel_id, one.change.message_id, clean_text(key)) for one in stored for key in one.change.cleared]
    await rows.clear(connection, messages, emoji)


def _event(one: StoredChange, state: ReactionState, redactor: Redactor) -> _Event:
    total = (one.channel_id, one.change.message_id, clean_text(state.emoji_key), state.burst)
    return _Event(
        total=total,
        user=(*total, state.user_hash),
        emoji=clean_text(state.emoji),
        is_given=state.is_given,
        is_of_forgotten=redactor.is_erased(state.user_hash),
    )


def _is_known(event: _Event, tallies: Mapping[TotalKey, Tally]) -> bool:
    tally = tallies.get(event.total)
    return tally is not None and tally.is_known


def _count(event: _Event, tallies: dict[TotalKey, Tally], users: set[UserKey]) -> None:
    """``users`` are those of the kinds that are known."""
    tally = tallies.get(event.total)
    if tally is None:
        if not event.is_given:
            return
        tally = tallies[event.total] = Tally(emoji=event.emoji)
    if event.is_of_forgotten or not tally.is_known:
        tally.invalidate()
    elif event.is_given and event.user not in users:
        users.add(event.user)
        tally.add(1)
    elif not event.is_given and event.user in users:
        users.remove(event.user)
        tally.add(-1)


async def _save(connection: AsyncConnection, tallies: Mapping[TotalKey, Tally], now: datetime) -> None:
    kept = [(key, tally) for key, tally in tallies.items() if tally.is_changed and not tally.is_gone]
    await rows.save_totals(connection, kept, now)
