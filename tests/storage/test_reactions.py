"""Reactions: what is pending, each kind fetched by itself, and the users made exactly those that were fetched."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Select, text

from adapters.records import ChannelType, MessageRecord, SkipReason
from storage.channels import ChannelState, channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import JobLease, JobStatus, finish
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.reactions import (
    PendingChannel,
    PendingTotal,
    pending_channels,
    pending_lists,
    pending_totals,
)
from storage.reactions import pending as pending_reactions
from storage.tables import reaction_totals, reactions
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, both_totals, channel, message, thread, total
from tests.support.tables_of import count_of, rows_of, run_sql
from tests.support.user_lists import save_list

LATER = NOW + MINUTE
KINDS = (False, True)


class Pass:
    """A job's way through the reactions of one channel."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def tell(self, *records: MessageRecord, channel_id: int | None = None) -> None:
        batch = MessageBatch(
            tenant_id=self.tenant.id, channel_id=channel_id or self.channel.id, messages=records, job=self.lease
        )
        await save_batch(self.db, batch, NOW)

    async def pending(self, after: PendingTotal | None = None, limit: int = 100) -> list[PendingTotal]:
        return await pending_totals(self.db, self.channel.id, after, limit)

    async def only(self) -> PendingTotal:
        (only,) = await self.pending()
        return only

    async def save(self, total: PendingTotal, *users: str, now: Any = NOW) -> None:
        await save_list(self.db, total, user_hashes=users, job=self.lease, now=now)

    async def users(self) -> list[tuple[str, bool]]:
        return [(row["user_hash"], row["burst"]) for row in await rows_of(self.db, reactions)]


@pytest.fixture
def way(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Pass:
    return Pass(db, tenant, general, lease)


class TestWhatIsPending:
    async def test_a_total_whose_users_were_never_fetched(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=both_totals("👍", 2, 1)))
        normal, burst = await way.pending()
        assert normal == PendingTotal(
            channel_id=way.channel.id,
            message_platform_id="1",
            emoji_key="👍",
            burst=False,
            emoji="👍",
            count=2,
            fetched_count=None,
            uncounted_events=0,
            created_at=NOW,
        )
        assert burst == replace(normal, burst=True, count=1)
        assert (normal.expected, burst.expected) == (2, 1)
        assert await pending_lists(db, way.tenant.id) == 2

    async def test_the_channels_in_which_something_is_pending(self, db: Database, way: Pass) -> None:
        await save_channels(db, way.tenant.id, [channel(n) for n in ("6", "7", "8")] + [thread("9", "5")], NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        await way.tell(message(1, reaction_totals=(*both_totals("👍", 149, 101), total("🎉", 100))), message(2))
        await way.tell(message(3, reaction_totals=(total("👍", 1),)), channel_id=ids["7"])
        await way.tell(message(4, reaction_totals=(total("👍", 1),)), channel_id=ids["8"])
        await way.tell(message(5, reaction_totals=(total("👍", 101, burst=True),)), channel_id=ids["9"])
        await mark_skipped(db, way.tenant.id, ["7"], SkipReason.NOT_PUBLIC, NOW)
        await mark_deleted(db, ids["8"], ["4"], job=way.lease, now=NOW)
        first = PendingChannel(
            id=way.channel.id, platform_id="5", parent_platform_id=None, type=ChannelType.TEXT, lists=3, requests=5
        )
        in_thread = PendingChannel(
            id=ids["9"], platform_id="9", parent_platform_id="5", type=ChannelType.THREAD, lists=1, requests=2
        )
        assert await pending_channels(db, way.tenant.id, users_per_request=100) == [first, in_thread]
        assert await pending_lists(db, way.tenant.id) == 4
        assert await pending_channels(db, "discord-other", users_per_request=100) == []
        assert await pending_totals(db, ids["8"], None, 100) == []

    @pytest.mark.slow
    async def test_the_pages_are_complete_whatever_is_done_in_between(self, way: Pass) -> None:
        emoji = ["", "1", "10", "👍", "é"]
        totals = tuple(total(each, burst=burst) for each in emoji for burst in KINDS)
        records = [message(n, reaction_totals=totals) for n in (9, 10, 100)]
        await way.tell(*records)
        found: list[PendingTotal] = []
        while page := await way.pending(found[-1] if found else None, limit=2):
            found += page
            await way.save(page[0], "a")
        keys = [(t.message_platform_id, t.emoji_key, t.burst) for t in found]
        assert sorted(keys) == sorted((m.platform_id, e, burst) for m in records for e in emoji for burst in KINDS)
        assert len(await way.pending()) == 30 - 15

    @pytest.mark.parametrize("query", [pending_reactions._PENDING_TOTALS, pending_reactions._PENDING_CHANNELS])
    async def test_it_is_found_by_its_index(self, db: Database, way: Pass, query: Select[Any]) -> None:
        values = {
            "channel": way.channel.id,
            "message": "1",
            "emoji": "1",
            "burst": False,
            "limit": 5,
            "users_per_request": 100,
            "tenant": way.tenant.id,
        }
        async with db.writing() as connection:
            known = {name: values[name] for name in query.compile().params if name in values}
            plain = query.params(known).compile(connection.sync_connection, compile_kwargs={"literal_binds": True})
            if db.dialect == "postgresql":
                await connection.execute(text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN QUERY PLAN" if db.dialect == "sqlite" else "EXPLAIN"
            plan = (await connection.exec_driver_sql(f"{explain} {plain}")).all()
        assert "ix_reaction_totals_pending" in str(plan)


class TestSaving:
    async def test_each_kind_is_pending_until_it_was_fetched_itself(self, db: Database, way: Pass) -> None:
        for first in KINDS:
            await run_sql(db, "DELETE FROM messages")
            await way.tell(message(1, reaction_totals=both_totals("👍", 2, 2)))
            never = {each.burst: each for each in await way.pending()}
            await way.save(never[first], "a", "b")
            assert await way.pending() == [never[not first]]
            assert await pending_lists(db, way.tenant.id) == 1
            await way.save(never[not first], "a")
            assert await way.pending() == []
            assert sorted(await way.users()) == sorted([("a", first), ("b", first), ("a", not first)])
            assert [row["fetched_count"] for row in await rows_of(db, reaction_totals)] == [2, 2]

    @pytest.mark.parametrize(
        ("before", "after", "pending"),
        [
            ((2, 1), (3, 1), [False]),
            ((2, 1), (1, 2), [False, True]),
            ((2, 1), (2, 2), [True]),
            ((2, 1), (2, 0), []),
            ((2, 1), (0, 1), []),
            ((3, 0), (3, 1), [True]),
            ((0, 0), (1, 0), [False]),
        ],
    )
    async def test_a_kind_whose_total_changed_is_pending_again(
        self, way: Pass, before: tuple[int, int], after: tuple[int, int], pending: list[bool]
    ) -> None:
        for counts, kinds in ((before, None), (after, pending)):
            await way.tell(message(1, reaction_totals=both_totals("👍", *counts)))
            found = await way.pending()
            assert kinds is None or [each.burst for each in found] == kinds
            for each in found:
                await way.save(each, *"abcd"[: each.count])
            assert await way.pending() == []
            expected = [(user, burst) for burst in KINDS for user in "abcd"[: counts[burst]]]
            assert sorted(await way.users()) == sorted(expected)

    async def test_only_differences_are_written(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=(total("👍", 2), total("🎉", 2))))
        both = await way.pending()
        for each in both:
            await way.save(each, "a", "b", "b")
        fetched = replace(both[1], fetched_count=2)
        await way.save(fetched, "c", "b", now=LATER)
        left = [r for r in await rows_of(db, reactions) if r["emoji_key"] == both[1].emoji_key]
        assert [r["user_hash"] for r in left] == ["b", "c"]
        kept, new = left
        assert (kept["user_hash"], kept["created_at"], kept["updated_at"]) == ("b", NOW, NOW)
        assert (new["user_hash"], new["created_at"]) == ("c", LATER)
        assert await count_of(db, reactions) == 4
        await way.save(fetched, now=LATER)
        assert await count_of(db, reactions) == 2

    async def test_a_name_that_changed_while_the_users_were_fetched(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=(replace(total("77"), emoji="<:old:77>"),)))
        pending = await way.only()
        await way.tell(message(1, reaction_totals=(replace(total("77"), emoji="<:new:77>"),)))
        await way.save(pending, "a")
        assert [row["emoji"] for row in await rows_of(db, reactions)] == ["<:new:77>"]

    async def test_the_emoji_is_as_the_total_has_it(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=(replace(total("77"), emoji="<:old:77>"),)))
        stale = await way.only()
        await way.save(stale, "a")
        await way.tell(message(1, reaction_totals=(replace(total("77", 2), emoji="<:new:77>"),)))
        await way.save(await way.only(), "a", "b", now=LATER)
        rows = [(r["emoji"], r["created_at"], r["updated_at"]) for r in await rows_of(db, reactions)]
        assert rows == [("<:new:77>", NOW, LATER), ("<:new:77>", LATER, LATER)]

    async def test_a_total_that_changed_meanwhile_stays_pending(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=(total("👍", 1),)))
        stale = await way.only()
        await way.tell(message(1, reaction_totals=(total("👍", 2),)))
        await way.save(stale, "a")
        assert await way.only() == replace(stale, count=2)
        assert await count_of(db, reactions) == 0

    async def test_a_total_that_vanished_takes_its_users_with_it(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=(total("👍", 1),)))
        stale = await way.only()
        await way.tell(message(1))
        await way.save(stale, "a")
        assert [await count_of(db, table) for table in (reaction_totals, reactions)] == [0, 0]

    @pytest.mark.slow
    async def test_a_job_that_ended_writes_nothing(self, db: Database, way: Pass) -> None:
        await way.tell(message(1, reaction_totals=(total("👍", 1),)))
        stale = await way.only()
        await finish(db, way.lease, status=JobStatus.CANCELLED, totals={}, error=None, now=NOW)
        with pytest.raises(LeaseLost):
            await way.save(stale, "a")
        assert await count_of(db, reactions) == 0
        assert await way.only() == stale

    @pytest.mark.slow
    async def test_twenty_thousand_users(self, db: Database, way: Pass) -> None:
        users = [f"{n:064x}" for n in range(20_000)]
        await way.tell(message(1, reaction_totals=(total("👍", 20_000),)))
        stale = await way.only()
        await way.save(stale, *users)
        await way.save(replace(stale, fetched_count=20_000), *users[10:], now=LATER)
        assert await count_of(db, reactions) == 20_000 - 10
        assert await way.pending() == []
