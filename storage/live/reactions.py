"""Reactions as they are given, taken back and cleared: who gave them, and the totals that follow from it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.live import reaction_rows as rows
from storage.live.changes import ReactionState
from storage.live.messages import StoredChanges
from storage.live.tally import Tally
from storage.reactions import TotalKey, UserKey, add_users, delete_totals, delete_users, prepare_users
from storage.sql import clean_text

Incoming: TypeAlias = list[tuple[UserKey, ReactionState]]


async def apply_reactions(connection: AsyncConnection, stored: StoredChanges, now: datetime) -> None:
    """Take away what was cleared, then count what was given and taken back since."""
    await _clear(connection, stored)
    incoming: Incoming = [
        ((*key, clean_text(state.emoji_key), state.burst, state.user_hash), state)
        for key, change in stored.items()
        for state in change.reactions.values()
    ]
    if not incoming:
        return
    tallies = await rows.find_totals(connection, {_total(user) for user, _ in incoming})
    for user, state in incoming:
        if state.is_given:
            tallies.setdefault(_total(user), Tally(emoji=clean_text(state.emoji)))
    prepared = await prepare_users(
        connection, ((user, tallies[_total(user)].emoji) for user, _ in incoming if _total(user) in tallies)
    )
    before = await rows.find_users(connection, [user for user in prepared.emoji_of if tallies[_total(user)].is_known])
    after = set(before)
    for user, state in incoming:
        if tally := tallies.get(_total(user)):
            # Of an erased person no row says whether this reaction was counted already.
            _count(tally, after, user, is_given=state.is_given, is_erased=user not in prepared.emoji_of)
    await _save_totals(connection, tallies, now)
    await add_users(connection, prepared.only(after - before), now)
    await delete_users(connection, before - after)


def _total(user: UserKey) -> TotalKey:
    return user[:4]


def _count(tally: Tally, users: set[UserKey], user: UserKey, *, is_given: bool, is_erased: bool) -> None:
    """Add or remove one reaction in a tally; ``users`` holds the stored users of the totals that are known."""
    if is_erased or not tally.is_known:
        tally.invalidate()
    elif is_given and user not in users:
        users.add(user)
        tally.add(1)
    elif not is_given and user in users:
        users.remove(user)
        tally.add(-1)


async def _clear(connection: AsyncConnection, stored: StoredChanges) -> None:
    cleared = [key for key, change in stored.items() if change.is_cleared]
    emoji = [(*key, clean_text(emoji)) for key, change in stored.items() for emoji in change.cleared]
    await rows.clear(connection, cleared, emoji)


async def _save_totals(connection: AsyncConnection, tallies: Mapping[TotalKey, Tally], now: datetime) -> None:
    """Write changed totals; delete those that are zero, and with them, by the foreign key, their users."""
    changed = {key: tally for key, tally in tallies.items() if tally.is_changed}
    await rows.save_totals(connection, {key: tally for key, tally in changed.items() if not tally.is_gone}, now)
    await delete_totals(connection, [key for key, tally in changed.items() if tally.is_gone and tally.is_stored])
