"""Reactions given and taken back: counted along where all users are stored, else left to their next fetch."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from adapters.records import ReactionTotalRecord
from storage.channels import ChannelState
from storage.database import Database
from storage.jobs import JobLease
from storage.live import apply_changes
from storage.messages import MessageBatch, save_batch
from storage.privacy import erase_user
from storage.reactions import NO_TOTAL, PendingTotal, pending_channels, pending_lists, pending_totals, save_users
from storage.tables import reaction_totals, reactions
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, SECOND, change, message, reaction, total
from tests.support.tables_of import Rows, count_of, rows_of

LATER = NOW + MINUTE
GONE: dict[str, Any] = {"is_given": False}


class Board:
    """The reactions to one message."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def tell(self, *totals: ReactionTotalRecord, now: datetime = NOW) -> None:
        """A page brings the message with its totals."""
        records = [message(7, reaction_totals=totals)]
        batch = MessageBatch(tenant_id=self.tenant.id, channel_id=self.channel.id, messages=records, job=self.lease)
        await save_batch(self.db, batch, now)

    async def hear(self, *states: Any, now: datetime = LATER, **what: Any) -> None:
        await apply_changes(self.db, [change(self.tenant.id, "5", "7", reactions=states, **what)], now)

    async def fetch(self, normal: str = "", burst: str = "", now: datetime = LATER) -> None:
        """Ask for the users of what is pending; each is a letter."""
        for pending in await self.pending():
            for kind in pending.kinds_to_save:
                await self.save(pending, burst if kind else normal, burst=kind, now=now)

    async def save(self, pending: PendingTotal, users: str, *, burst: bool = False, now: datetime = LATER) -> None:
        await save_users(self.db, pending, burst=burst, user_hashes=list(users), job=self.lease, now=now)

    async def pending(self) -> list[PendingTotal]:
        return await pending_totals(self.db, self.channel.id, None, 100)

    async def rows(self) -> list[Rows]:
        return [await rows_of(self.db, table) for table in (reaction_totals, reactions)]

    async def totals(self) -> list[tuple[Any, ...]]:
        names = ("emoji_key", "count", "burst_count", "fetched_count", "fetched_burst_count", "is_stale")
        return [tuple(row[name] for name in names) for row in await rows_of(self.db, reaction_totals)]

    async def users(self, *, burst: bool = False) -> str:
        return "".join(row["user_hash"] for row in await rows_of(self.db, reactions) if row["burst"] is burst)


@pytest.fixture
def board(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Board:
    return Board(db, tenant, general, lease)


class TestWhereNobodyHasGivenTheEmoji:
    @pytest.mark.parametrize("burst", [False, True])
    async def test_given_it_is_there(self, board: Board, burst: bool) -> None:
        await board.tell()
        for _ in range(2):
            await board.hear(reaction("a", burst=burst))
        assert await board.totals() == [("👍", 1, int(burst), 1, int(burst), False)]
        assert await board.users(burst=burst) == "a"
        assert await board.pending() == []

    async def test_taken_back_nothing_happens(self, board: Board) -> None:
        await board.tell()
        await board.hear(reaction("a", **GONE))
        assert await board.rows() == [[], []]

    async def test_given_and_taken_back_at_once_nothing_is_left(self, board: Board) -> None:
        await board.tell()
        await board.hear(reaction("a"), reaction("a", **GONE))
        assert await board.rows() == [[], []]


class TestWhereAllUsersAreStored:
    async def test_the_counts_and_the_markers_follow(self, board: Board) -> None:
        await board.tell(total("👍", 3, 1))
        await board.fetch("ab", "c", now=NOW)
        await board.hear(reaction("d"), reaction("a", burst=True))
        assert await board.totals() == [("👍", 5, 2, 5, 2, False)]
        await board.hear(reaction("a", **GONE), reaction("c", burst=True, **GONE))
        assert await board.totals() == [("👍", 3, 1, 3, 1, False)]
        assert (await board.users(), await board.users(burst=True)) == ("bd", "a")
        assert await board.pending() == []

    async def test_told_twice_nothing_changes(self, board: Board) -> None:
        await board.tell(total("👍", 2))
        await board.fetch("ab", now=NOW)
        before = await board.rows()
        await board.hear(reaction("a"), reaction("c", **GONE))
        assert await board.rows() == before
        await board.hear(reaction("c"))
        once = await board.rows()
        await board.hear(reaction("c"), now=LATER + MINUTE)
        assert await board.rows() == once

    async def test_only_what_changes_is_written(self, board: Board) -> None:
        await board.tell(total("👍", 1), total("🎉", 1))
        await board.fetch("a", now=NOW)
        await board.hear(reaction("b"))
        totals, users = await board.rows()
        assert {(t["emoji_key"], t["created_at"], t["updated_at"]) for t in totals} == {
            ("👍", NOW, LATER),
            ("🎉", NOW, NOW),
        }
        assert {(u["emoji_key"], u["user_hash"], u["created_at"], u["updated_at"]) for u in users} == {
            ("👍", "a", NOW, NOW),
            ("🎉", "a", NOW, NOW),
            ("👍", "b", LATER, LATER),
        }

    async def test_the_last_one_takes_the_total_along(self, board: Board) -> None:
        await board.tell(total("👍", 1), total("🎉", 1))
        await board.fetch("a")
        await board.hear(reaction("a", **GONE))
        assert [t[0] for t in await board.totals()] == ["🎉"]
        assert await count_of(board.db, reactions) == 1

    async def test_one_kind_is_counted_while_the_other_is_not_fetched(self, board: Board) -> None:
        await board.tell(total("👍", 3, 1))
        (pending,) = await board.pending()
        await board.save(pending, "ab", now=NOW)
        await board.hear(reaction("d"))
        assert await board.totals() == [("👍", 4, 1, 3, None, False)]
        await board.save(pending, "c", burst=True)
        assert await board.totals() == [("👍", 4, 1, 4, 1, False)]

    async def test_the_emoji_is_as_the_total_has_it(self, board: Board) -> None:
        await board.tell(replace(total("77"), emoji="<:old:77>"))
        await board.fetch("a")
        await board.hear(replace(reaction("b", emoji="77"), emoji="<:new:77>"))
        assert {row["emoji"] for rows in await board.rows() for row in rows} == {"<:old:77>"}


class TestWhereTheUsersAreNotStored:
    async def test_the_total_is_stale_and_nothing_is_counted(self, board: Board) -> None:
        await board.tell(total("👍", 2), total("🎉", 2))
        await board.hear(reaction("a"), reaction("b", emoji="🎉", **GONE))
        assert sorted(await board.totals()) == sorted((e, 2, 0, None, None, True) for e in ("👍", "🎉"))
        assert await count_of(board.db, reactions) == 0

    async def test_both_kinds_are_asked_for_to_their_end(self, board: Board) -> None:
        await board.tell(total("👍", 250))
        await board.hear(reaction("a"))
        (stale,) = await board.pending()
        assert (stale.is_stale, stale.normal_is_pending, stale.burst_is_pending) == (True, True, True)
        assert stale.kinds_to_save == (False, True)
        assert [stale.total_of(burst=burst) for burst in (False, True)] == [NO_TOTAL, NO_TOTAL]
        assert await pending_lists(board.db, board.tenant.id) == 2
        (pending,) = await pending_channels(board.db, board.tenant.id, users_per_request=100)
        assert pending.requests == 3 + 1

    @pytest.mark.parametrize(("normal", "burst"), [("abc", ""), ("", "a"), ("ab", "bc")])
    async def test_the_fetch_settles_it(self, board: Board, normal: str, burst: str) -> None:
        await board.tell(total("👍", 2))
        await board.hear(reaction("a"))
        await board.fetch(normal, burst)
        both, bursts = len(normal + burst), len(burst)
        assert await board.totals() == [("👍", both, bursts, both, bursts, False)]
        assert (await board.users(), await board.users(burst=True)) == (normal, burst)
        assert await board.pending() == []
        await board.hear(reaction("z"))
        assert (await board.totals())[0][:3] == ("👍", both + 1, bursts)

    async def test_nobody_is_left(self, board: Board) -> None:
        await board.tell(total("👍", 1))
        await board.hear(reaction("a", **GONE))
        await board.fetch()
        assert await board.rows() == [[], []]

    async def test_it_is_settled_by_both_kinds_and_not_by_one(self, board: Board) -> None:
        await board.tell(total("👍", 3, 1))
        await board.hear(reaction("a"))
        (stale,) = await board.pending()
        await board.save(stale, "abcd")
        (half,) = await board.pending()
        assert (half.count, half.is_stale, half.kinds_to_save) == (3, True, (False, True))
        await board.save(stale, "e", burst=True, now=LATER + SECOND)
        assert await board.totals() == [("👍", 5, 1, 5, 1, False)]
        assert (await rows_of(board.db, reaction_totals))[0]["updated_at"] == LATER + SECOND

    @pytest.mark.parametrize("saved_before", [0, 1])
    @pytest.mark.parametrize("was_stale", [False, True])
    async def test_an_event_while_they_are_fetched_leaves_it_stale(
        self, board: Board, was_stale: bool, saved_before: int
    ) -> None:
        await board.tell(total("👍", 3, 1))
        if was_stale:
            await board.hear(reaction("a"))
        (pending,) = await board.pending()
        for burst in (False, True)[:saved_before]:
            await board.save(pending, "ab", burst=burst)
        await board.hear(reaction("d", burst=True), now=NOW)  # whatever the clocks say
        for burst in (False, True)[saved_before:]:
            await board.save(pending, "c" if burst else "ab", burst=burst)
        (still,) = await board.pending()
        assert (still.is_stale, still.fetched_count, still.fetched_burst_count) == (True, None, None)
        await board.fetch("ab", "cd")
        assert await board.totals() == [("👍", 4, 2, 4, 2, False)]

    async def test_a_fresh_total_ends_it_and_its_users_are_fetched_anew(self, board: Board) -> None:
        await board.tell(total("👍", 2))
        await board.hear(reaction("a"))
        (stale,) = await board.pending()
        await board.tell(total("👍", 2), now=LATER + MINUTE)
        assert await board.totals() == [("👍", 2, 0, None, None, False)]
        await board.save(stale, "xy")  # asked for before
        (fresh,) = await board.pending()
        assert fresh.kinds_to_save == (False,)
        await board.save(fresh, "ab")
        assert await board.totals() == [("👍", 2, 0, 2, 0, False)]
        assert await board.users() == "ab"

    async def test_more_users_than_the_total_says_make_it_stale(self, board: Board) -> None:
        """The list is newer, and may not be at its end."""
        await board.tell(total("👍", 2))
        await board.fetch("abc")
        assert await board.totals() == [("👍", 2, 0, None, None, True)]
        await board.fetch("abcd")
        assert await board.totals() == [("👍", 4, 0, 4, 0, False)]


class TestClearing:
    async def test_all_or_one_emoji(self, board: Board) -> None:
        emoji = ("👍", "🎉", "77")
        await board.tell(*(total(e, 1) for e in emoji))
        await board.fetch("a")
        await board.hear(cleared={"🎉", "404"})
        assert {t[0] for t in await board.totals()} == {"👍", "77"}
        await board.hear(is_cleared=True)
        assert await board.rows() == [[], []]

    async def test_it_comes_before_what_was_given(self, board: Board) -> None:
        await board.tell(total("👍", 5), total("🎉", 5))
        await board.hear(reaction("a"), reaction("b", emoji="🎉"), cleared={"🎉"})
        assert sorted(await board.totals()) == sorted([("👍", 5, 0, None, None, True), ("🎉", 1, 0, 1, 0, False)])
        await board.hear(reaction("c"), is_cleared=True)
        assert await board.totals() == [("👍", 1, 0, 1, 0, False)]
        assert await board.users() == "c"

    async def test_users_that_were_asked_for_before_do_not_come_back(self, board: Board) -> None:
        await board.tell(total("👍", 2))
        await board.hear(reaction("a"))
        (stale,) = await board.pending()
        await board.hear(is_cleared=True)
        await board.save(stale, "ab")
        assert await board.rows() == [[], []]


class TestForgottenPeople:
    FORGOTTEN = "f" * 64

    @pytest.fixture(autouse=True)
    async def redactor_for(self, board: Board) -> None:
        await erase_user(board.db, self.FORGOTTEN, tenant_id=None, now=NOW)

    @pytest.mark.parametrize("told", [(), (total("👍", 1),)])
    async def test_theirs_are_counted_by_the_next_fetch_and_not_stored(
        self, board: Board, told: Sequence[ReactionTotalRecord]
    ) -> None:
        await board.tell(*told)
        await board.fetch("a")
        await board.hear(reaction(self.FORGOTTEN))
        assert (await board.totals())[0] == ("👍", 1, 0, None, None, True)
        (stale,) = await board.pending()
        for burst, users in ((False, ["a", self.FORGOTTEN]), (True, [])):
            await save_users(board.db, stale, burst=burst, user_hashes=users, job=board.lease, now=LATER)
        assert await board.totals() == [("👍", 2, 0, 2, 0, False)]
        assert await board.users() == "a"


async def test_text_that_no_database_holds(board: Board) -> None:
    await board.tell()
    await board.hear(reaction("a", emoji="x\0y\ud800"))
    await board.hear(reaction("b", emoji="x\0y\ud800"))
    assert await board.totals() == [("xy?", 2, 0, 2, 0, False)]
