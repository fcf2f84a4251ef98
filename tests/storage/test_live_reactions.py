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
from storage.reactions import UNKNOWN, PendingTotal, pending_channels, pending_lists, pending_totals, save_users
from storage.tables import reaction_totals, reactions
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, SECOND, both_totals, change, message, reaction, total
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
        """Fetch the users of what is pending; each is a letter."""
        for pending in await self.pending():
            await self.save(pending, burst if pending.burst else normal, now=now)

    async def save(self, pending: PendingTotal, users: str, *, now: datetime = LATER) -> None:
        await save_users(self.db, pending, user_hashes=list(users), job=self.lease, now=now)

    async def pending(self) -> list[PendingTotal]:
        return await pending_totals(self.db, self.channel.id, None, 100)

    async def rows(self) -> list[Rows]:
        return [await rows_of(self.db, table) for table in (reaction_totals, reactions)]

    async def totals(self) -> list[tuple[Any, ...]]:
        names = ("emoji_key", "burst", "count", "fetched_count", "uncounted_events")
        return [tuple(row[name] for name in names) for row in await rows_of(self.db, reaction_totals)]

    async def users(self, *, burst: bool = False) -> str:
        return "".join(row["user_hash"] for row in await rows_of(self.db, reactions) if row["burst"] is burst)


@pytest.fixture
def board(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Board:
    return Board(db, tenant, general, lease)


class TestWhereNobodyHasGivenTheEmoji:
    @pytest.mark.parametrize("burst", [False, True])
    @pytest.mark.parametrize("other", [0, 2])
    async def test_given_it_is_there(self, board: Board, burst: bool, other: int) -> None:
        """Whether or not it was given in the other kind, and that one's users are stored."""
        others = [total("👍", other, burst=not burst)] if other else []
        await board.tell(*others)
        for _ in range(2):
            await board.hear(reaction("a", burst=burst))
        assert ("👍", burst, 1, 1, 0) in await board.totals()
        assert await board.users(burst=burst) == "a"
        assert [each.burst for each in await board.pending()] == [not burst for _ in others]

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
        await board.tell(*both_totals("👍", 2, 1))
        await board.fetch("ab", "c", now=NOW)
        await board.hear(reaction("d"), reaction("a", burst=True))
        assert await board.totals() == [("👍", False, 3, 3, 0), ("👍", True, 2, 2, 0)]
        await board.hear(reaction("a", **GONE), reaction("c", burst=True, **GONE))
        assert await board.totals() == [("👍", False, 2, 2, 0), ("👍", True, 1, 1, 0)]
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
        await board.tell(*both_totals("👍", 2, 1))
        normal, burst = await board.pending()
        await board.save(normal, "ab", now=NOW)
        await board.hear(reaction("d"))
        assert await board.totals() == [("👍", False, 3, 3, 0), ("👍", True, 1, None, 0)]
        await board.save(burst, "c")
        assert await board.totals() == [("👍", False, 3, 3, 0), ("👍", True, 1, 1, 0)]

    async def test_the_emoji_is_as_the_total_has_it(self, board: Board) -> None:
        await board.tell(replace(total("77"), emoji="<:old:77>"))
        await board.fetch("a")
        await board.hear(replace(reaction("b", emoji="77"), emoji="<:new:77>"))
        assert {row["emoji"] for rows in await board.rows() for row in rows} == {"<:old:77>"}


class TestWhereTheUsersAreNotStored:
    async def test_nothing_is_counted_but_the_events(self, board: Board) -> None:
        await board.tell(*both_totals("👍", 2, 1), total("🎉", 2))
        await board.hear(reaction("a"), reaction("b", emoji="🎉", **GONE), reaction("c", emoji="🎉"))
        assert sorted(await board.totals()) == sorted(
            [("👍", False, 2, None, 1), ("👍", True, 1, None, 0), ("🎉", False, 2, None, 2)]
        )
        assert await count_of(board.db, reactions) == 0

    async def test_the_list_is_read_to_its_end(self, board: Board) -> None:
        await board.tell(*both_totals("👍", 250, 1))
        await board.hear(reaction("a"))
        normal, burst = await board.pending()
        assert (normal.is_count_known, burst.is_count_known) == (False, True)
        assert (normal.expected, burst.expected) == (UNKNOWN, 1)
        assert await pending_lists(board.db, board.tenant.id) == 2
        (pending,) = await pending_channels(board.db, board.tenant.id, users_per_request=100)
        assert pending.requests == 3 + 1

    @pytest.mark.parametrize("users", ["abc", "a", "ab"])
    async def test_the_fetch_settles_it(self, board: Board, users: str) -> None:
        await board.tell(total("👍", 2))
        await board.hear(reaction("a"))
        await board.fetch(users, now=LATER + SECOND)
        assert await board.totals() == [("👍", False, len(users), len(users), 0)]
        assert (await rows_of(board.db, reaction_totals))[0]["updated_at"] == LATER + SECOND
        assert await board.users() == users
        assert await board.pending() == []
        await board.hear(reaction("z"))
        assert await board.totals() == [("👍", False, len(users) + 1, len(users) + 1, 0)]

    async def test_nobody_is_left(self, board: Board) -> None:
        await board.tell(total("👍", 1))
        await board.hear(reaction("a", **GONE))
        await board.fetch()
        assert await board.rows() == [[], []]

    @pytest.mark.parametrize("events_before", [0, 1, 2])
    async def test_an_event_while_they_are_fetched_leaves_it_pending(self, board: Board, events_before: int) -> None:
        await board.tell(total("👍", 2))
        for user in "ab"[:events_before]:
            await board.hear(reaction(user))
        (pending,) = await board.pending()
        await board.hear(reaction("d"), now=NOW)  # whatever the clocks say
        await board.save(pending, "ab")
        (still,) = await board.pending()
        assert (still.fetched_count, still.uncounted_events) == (None, events_before + 1)
        assert await count_of(board.db, reactions) == 0
        await board.fetch("abcd")
        assert await board.totals() == [("👍", False, 4, 4, 0)]

    @pytest.mark.parametrize("count", [2, 3])
    async def test_a_count_of_a_page_is_not_yet_that_of_the_users(self, board: Board, count: int) -> None:
        await board.tell(total("👍", 2))
        await board.hear(reaction("a"))
        await board.tell(total("👍", count), now=LATER + MINUTE)
        assert await board.totals() == [("👍", False, count, None, 1)]
        await board.fetch("abc")
        assert await board.totals() == [("👍", False, 3, 3, 0)]

    async def test_more_users_than_the_total_says_make_it_unknown(self, board: Board) -> None:
        """The list is newer, and may not be at its end."""
        await board.tell(total("👍", 2))
        await board.fetch("abc")
        assert await board.totals() == [("👍", False, 2, None, 1)]
        await board.fetch("abcd")
        assert await board.totals() == [("👍", False, 4, 4, 0)]


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
        assert sorted(await board.totals()) == sorted([("👍", False, 5, None, 1), ("🎉", False, 1, 1, 0)])
        await board.hear(reaction("c"), is_cleared=True)
        assert await board.totals() == [("👍", False, 1, 1, 0)]
        assert await board.users() == "c"

    async def test_one_emoji_is_cleared_in_both_kinds(self, board: Board) -> None:
        await board.tell(*both_totals("👍", 2, 1), total("🎉", 1, burst=True))
        await board.hear(cleared={"👍"})
        assert await board.totals() == [("🎉", True, 1, None, 0)]

    @pytest.mark.parametrize("given_since", ["", "c"])
    async def test_users_that_were_fetched_before_do_not_come_back(self, board: Board, given_since: str) -> None:
        await board.tell(total("👍", 1))
        await board.hear(reaction("a"))
        (stale,) = await board.pending()
        await board.hear(*map(reaction, given_since), is_cleared=True, now=LATER + SECOND)
        await board.save(stale, "ab")
        assert await board.users() == given_since
        assert len(await board.totals()) == len(given_since)


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
        assert await board.totals() == [("👍", False, 1, None, 1)]
        (stale,) = await board.pending()
        await save_users(board.db, stale, user_hashes=["a", self.FORGOTTEN], job=board.lease, now=LATER)
        assert await board.totals() == [("👍", False, 2, 2, 0)]
        assert await board.users() == "a"


async def test_text_that_no_database_holds(board: Board) -> None:
    await board.tell()
    await board.hear(reaction("a", emoji="x\0y\ud800"))
    await board.hear(reaction("b", emoji="x\0y\ud800"))
    assert await board.totals() == [("xy?", False, 2, 2, 0)]
