"""Reactions given and taken back where not all users are stored: left to their next fetch."""

from collections.abc import Sequence

import pytest

from adapters.records import ReactionTotalRecord
from storage.privacy import erase_user
from storage.reactions import pending_channels, pending_lists
from storage.reactions.pending import UNKNOWN
from storage.tables import reaction_totals, reactions
from tests.support.builders import MINUTE, NOW, SECOND, both_totals, reaction, total
from tests.support.live_steps import GONE, LATER, Board
from tests.support.tables_of import count_of, rows_of
from tests.support.user_lists import save_list


class TestWhereTheUsersAreNotStored:
    async def test_nothing_is_counted_but_the_events(self, board: Board) -> None:
        await board.save_page(*both_totals("👍", 2, 1), total("🎉", 2))
        await board.apply(reaction("a"), reaction("b", emoji="🎉", **GONE), reaction("c", emoji="🎉"))
        assert sorted(await board.totals()) == sorted(
            [("👍", False, 2, None, 1), ("👍", True, 1, None, 0), ("🎉", False, 2, None, 2)]
        )
        assert await count_of(board.db, reactions) == 0

    async def test_the_list_is_read_to_its_end(self, board: Board) -> None:
        await board.save_page(*both_totals("👍", 250, 1))
        await board.apply(reaction("a"))
        normal, burst = await board.pending()
        assert (normal.is_count_known, burst.is_count_known) == (False, True)
        assert (normal.expected, burst.expected) == (UNKNOWN, 1)
        assert await pending_lists(board.db, board.tenant.id) == 2
        (pending,) = await pending_channels(board.db, board.tenant.id, users_per_request=100)
        assert pending.requests == 3 + 1

    @pytest.mark.parametrize("users", ["abc", "a", "ab"])
    async def test_the_fetch_settles_it(self, board: Board, users: str) -> None:
        await board.save_page(total("👍", 2))
        await board.apply(reaction("a"))
        await board.fetch(users, now=LATER + SECOND)
        assert await board.totals() == [("👍", False, len(users), len(users), 0)]
        assert (await rows_of(board.db, reaction_totals))[0]["updated_at"] == LATER + SECOND
        assert await board.users() == users
        assert await board.pending() == []
        await board.apply(reaction("z"))
        assert await board.totals() == [("👍", False, len(users) + 1, len(users) + 1, 0)]

    async def test_nobody_is_left(self, board: Board) -> None:
        await board.save_page(total("👍", 1))
        await board.apply(reaction("a", **GONE))
        await board.fetch()
        assert await board.rows() == [[], []]

    @pytest.mark.parametrize("events_before", [0, 1, 2])
    async def test_an_event_while_they_are_fetched_leaves_it_pending(self, board: Board, events_before: int) -> None:
        await board.save_page(total("👍", 2))
        for user in "ab"[:events_before]:
            await board.apply(reaction(user))
        (pending,) = await board.pending()
        await board.apply(reaction("d"), now=NOW)  # whatever the clocks say
        await board.save(pending, "ab")
        (still,) = await board.pending()
        assert (still.fetched_count, still.uncounted_events) == (None, events_before + 1)
        assert await count_of(board.db, reactions) == 0
        await board.fetch("abcd")
        assert await board.totals() == [("👍", False, 4, 4, 0)]

    @pytest.mark.parametrize("count", [2, 3])
    async def test_a_count_of_a_page_is_not_yet_that_of_the_users(self, board: Board, count: int) -> None:
        await board.save_page(total("👍", 2))
        await board.apply(reaction("a"))
        await board.save_page(total("👍", count), now=LATER + MINUTE)
        assert await board.totals() == [("👍", False, count, None, 1)]
        await board.fetch("abc")
        assert await board.totals() == [("👍", False, 3, 3, 0)]

    async def test_more_users_than_the_total_says_make_it_unknown(self, board: Board) -> None:
        """The list is newer, and may not be at its end."""
        await board.save_page(total("👍", 2))
        await board.fetch("abc")
        assert await board.totals() == [("👍", False, 2, None, 1)]
        await board.fetch("abcd")
        assert await board.totals() == [("👍", False, 4, 4, 0)]


class TestForgottenPeople:
    FORGOTTEN = "f" * 64

    @pytest.fixture(autouse=True)
    async def redactor_for(self, board: Board) -> None:
        await erase_user(board.db, self.FORGOTTEN, tenant_id=None, now=NOW)

    @pytest.mark.parametrize("totals", [(), (total("👍", 1),)])
    async def test_theirs_are_counted_by_the_next_fetch_and_not_stored(
        self, board: Board, totals: Sequence[ReactionTotalRecord]
    ) -> None:
        await board.save_page(*totals)
        await board.fetch("a")
        await board.apply(reaction(self.FORGOTTEN))
        assert await board.totals() == [("👍", False, 1, None, 1)]
        (stale,) = await board.pending()
        await save_list(board.db, stale, user_hashes=["a", self.FORGOTTEN], job=board.lease, now=LATER)
        assert await board.totals() == [("👍", False, 2, 2, 0)]
        assert await board.users() == "a"
