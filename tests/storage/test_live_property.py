"""In whichever order events and pages come, in the end the archive has the reactions that the platform has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from adapters.events import ChannelRef, ReactionChanged, ReactionsCleared
from adapters.records import ReactionTotalRecord
from bot.live.buffer import LiveBuffer
from storage.channels import ChannelState
from storage.database import Database
from storage.jobs import JobLease
from storage.live import apply_changes
from storage.messages import MessageBatch, save_batch
from storage.reactions import PendingTotal, pending_totals
from storage.tables import reaction_totals, reactions
from storage.tenants import Tenant
from tests.support.builders import NOW, SECOND, message
from tests.support.examples import examples
from tests.support.tables_of import rows_of
from tests.support.user_lists import save_list

Given: TypeAlias = tuple[str, bool, str]
"""An emoji, whether as a burst, and a user."""
Event: TypeAlias = ReactionChanged | ReactionsCleared

EMOJI = ("🔥", "77")
REACTIONS: list[Given] = [(emoji, burst, user) for emoji in EMOJI for burst in (False, True) for user in "ab"]
OFTEN = ("toggle", "toggle", "toggle", "apply_all", "fetch", "fetch", "fetch")
SELDOM = ("clear", "send_again", "apply", "read", "catch_up")
STEPS = st.lists(st.tuples(st.sampled_from([*OFTEN, *OFTEN, *SELDOM]), st.integers(0, 7)), min_size=20, max_size=60)


@dataclass
class World:
    """A message with its reactions on the platform, what of it is on its way, and the archive."""

    db: Database
    tenant: Tenant
    channel: ChannelState
    lease: JobLease
    message_id: int
    truth: set[Given] = field(default_factory=set)
    happened: list[Event] = field(default_factory=list)  # in the order of their happening
    under_way: list[Event] = field(default_factory=list)
    fetching: Iterator[PendingTotal] | None = None
    incoming: tuple[PendingTotal, list[str]] | None = None
    is_read: bool = False
    short: set[tuple[str, bool]] = field(default_factory=set)  # totals whose list held fewer users than they said
    clock: Any = field(default_factory=lambda: count(1))

    @property
    def place(self) -> ChannelRef:
        return ChannelRef(tenant_platform_id="100", platform_id=self.channel.platform_id)

    def now(self) -> Any:
        return NOW + next(self.clock) * SECOND

    async def toggle(self, number: int) -> None:
        """A user gives an emoji or takes it back."""
        given = REACTIONS[number]
        self.truth ^= {given}
        emoji, burst, user = given
        self.happen(
            ReactionChanged(
                channel=self.place,
                message_platform_id=str(self.message_id),
                emoji_key=emoji,
                emoji=emoji,
                user_hash=user,
                burst=burst,
                is_given=given in self.truth,
            )
        )

    async def clear(self, number: int) -> None:
        """Clear one emoji's reactions, or all."""
        emoji = (*EMOJI, None)[number % 3]
        self.truth = {given for given in self.truth if emoji is not None and given[0] != emoji}
        self.happen(ReactionsCleared(channel=self.place, message_platform_id=str(self.message_id), emoji_key=emoji))

    def happen(self, event: Event) -> None:
        self.happened.append(event)
        self.under_way.append(event)

    async def send_again(self, number: int) -> None:
        """Send the last events once more, as a resumed connection does."""
        self.under_way += self.happened[-number - 1 :]

    async def apply_all(self, _: int) -> None:
        """Apply all that is under way."""
        await self.apply(len(self.under_way))

    async def apply(self, events: int) -> None:
        """Apply the first events of those under way."""
        buffer = LiveBuffer()
        for each in self.under_way[:events]:
            buffer.add(self.tenant.id, each)
        del self.under_way[:events]
        await apply_changes(self.db, buffer.take(10).changes, self.now())

    async def read(self, _: int = 0) -> None:
        """Store the message as a page brings it; never while users are fetched."""
        if self.fetching is None:
            self.is_read = True
            records = [message(self.message_id, reaction_totals=tuple(self.totals()))]
            batch = MessageBatch(tenant_id=self.tenant.id, channel_id=self.channel.id, messages=records, job=self.lease)
            await save_batch(self.db, batch, self.now())

    def totals(self) -> Iterator[ReactionTotalRecord]:
        for emoji in EMOJI:
            for burst in (False, True):
                if users := self.users(emoji, burst=burst):
                    yield ReactionTotalRecord(emoji_key=emoji, burst=burst, emoji=emoji, count=len(users))

    def users(self, emoji: str, *, burst: bool) -> list[str]:
        return sorted(user for key, kind, user in self.truth if (key, kind) == (emoji, burst))

    async def fetch(self, _: int = 0) -> bool:
        """Save the users that were fetched, and fetch the next ones; False where there is nothing to do."""
        if self.incoming is not None:
            pending, users = self.incoming
            if pending.is_count_known and len(users) < pending.count:
                self.short.add((pending.emoji_key, pending.burst))
            await save_list(self.db, pending, user_hashes=users, job=self.lease, now=self.now())
        if self.fetching is None:
            page = await pending_totals(self.db, self.channel.id, None, 1000)
            self.fetching = iter([total for total in page if total.message_platform_id == str(self.message_id)])
        following = next(self.fetching, None)
        if following is None:
            was_busy, self.fetching, self.incoming = self.incoming is not None, None, None
            return was_busy
        self.incoming = following, self.users(following.emoji_key, burst=following.burst)
        return True

    async def catch_up(self, _: int = 0) -> None:
        """Apply all that is under way, and fetch all users."""
        await self.apply_all(0)
        while await self.fetch() or await self.fetch():
            pass


_ids = count(1)


@settings(max_examples=examples(36), deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
@pytest.mark.slow
async def test_the_archive_has_what_the_platform_has(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease, steps: list[tuple[str, int]]
) -> None:
    world = World(db, tenant, general, lease, message_id=next(_ids))
    for name, number in steps:
        await getattr(world, name)(number)
    if not world.is_read:
        await world.read()
    await world.catch_up()
    assert await _users(world) == world.truth
    expected = {(t.emoji_key, t.burst): t.count for t in world.totals() if (t.emoji_key, t.burst) not in world.short}
    assert await _counts(world) == expected
    event(f"{len(world.short)} short lists")


async def _users(world: World) -> set[Given]:
    rows = await rows_of(world.db, reactions)
    mine = [r for r in rows if r["message_platform_id"] == str(world.message_id)]
    return {(r["emoji_key"], r["burst"], r["user_hash"]) for r in mine}


async def _counts(world: World) -> dict[tuple[str, bool], int]:
    rows = [r for r in await rows_of(world.db, reaction_totals) if r["message_platform_id"] == str(world.message_id)]
    assert not any(r["uncounted_events"] for r in rows)
    return {(r["emoji_key"], r["burst"]): r["count"] for r in rows if (r["emoji_key"], r["burst"]) not in world.short}
