"""Reactions given, taken back and cleared: counted along where all users are stored."""

from dataclasses import replace

import pytest

from storage.tables import reactions
from tests.support.builders import MINUTE, NOW, SECOND, both_totals, reaction, total
from tests.support.live_steps import GONE, LATER, Board
from tests.support.tables_of import count_of


class TestWhereNobodyHasGivenTheEmoji:
    @pytest.mark.parametrize("burst", [False, True])
    @pytest.mark.parametrize("other", [0, 2])
    async def test_given_it_is_there(self, board: Board, burst: bool, other: int) -> None:
        """Whether or not it was given in the other kind, and that one's users are stored."""
        others = [total("👍", other, burst=not burst)] if other else []
        await board.save_page(*others)
        for _ in range(2):
            await board.apply(reaction("a", burst=burst))
        assert ("👍", burst, 1, 1, 0) in await board.totals()
        assert await board.users(burst=burst) == "a"
        assert [each.burst for each in await board.pending()] == [not burst for _ in others]

    async def test_taken_back_nothing_happens(self, board: Board) -> None:
        await board.save_page()
        await board.apply(reaction("a", **GONE))
        assert await board.rows() == [[], []]

    async def test_given_and_taken_back_at_once_nothing_is_left(self, board: Board) -> None:
        await board.save_page()
        await board.apply(reaction("a"), reaction("a", **GONE))
        assert await board.rows() == [[], []]


class TestWhereAllUsersAreStored:
    async def test_the_counts_and_the_markers_follow(self, board: Board) -> None:
        await board.save_page(*both_totals("👍", 2, 1))
        await board.fetch("ab", "c", now=NOW)
        await board.apply(reaction("d"), reaction("a", burst=True))
        assert await board.totals() == [("👍", False, 3, 3, 0), ("👍", True, 2, 2, 0)]
        await board.apply(reaction("a", **GONE), reaction("c", burst=True, **GONE))
        assert await board.totals() == [("👍", False, 2, 2, 0), ("👍", True, 1, 1, 0)]
        assert (await board.users(), await board.users(burst=True)) == ("bd", "a")
        assert await board.pending() == []

    @pytest.mark.slow
    async def test_what_comes_twice_changes_nothing(self, board: Board) -> None:
        await board.save_page(total("👍", 2))
        await board.fetch("ab", now=NOW)
        before = await board.rows()
        await board.apply(reaction("a"), reaction("c", **GONE))
        assert await board.rows() == before
        await board.apply(reaction("c"))
        once = await board.rows()
        await board.apply(reaction("c"), now=LATER + MINUTE)
        assert await board.rows() == once

    async def test_only_what_changes_is_written(self, board: Board) -> None:
        await board.save_page(total("👍", 1), total("🎉", 1))
        await board.fetch("a", now=NOW)
        await board.apply(reaction("b"))
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
        await board.save_page(total("👍", 1), total("🎉", 1))
        await board.fetch("a")
        await board.apply(reaction("a", **GONE))
        assert [t[0] for t in await board.totals()] == ["🎉"]
        assert await count_of(board.db, reactions) == 1

    async def test_one_kind_is_counted_while_the_other_is_not_fetched(self, board: Board) -> None:
        await board.save_page(*both_totals("👍", 2, 1))
        normal, burst = await board.pending()
        await board.save(normal, "ab", now=NOW)
        await board.apply(reaction("d"))
        assert await board.totals() == [("👍", False, 3, 3, 0), ("👍", True, 1, None, 0)]
        await board.save(burst, "c")
        assert await board.totals() == [("👍", False, 3, 3, 0), ("👍", True, 1, 1, 0)]

    async def test_the_emoji_is_as_the_total_has_it(self, board: Board) -> None:
        await board.save_page(replace(total("77"), emoji="<:old:77>"))
        await board.fetch("a")
        await board.apply(replace(reaction("b", emoji="77"), emoji="<:new:77>"))
        assert {row["emoji"] for rows in await board.rows() for row in rows} == {"<:old:77>"}


class TestClearing:
    async def test_all_or_one_emoji(self, board: Board) -> None:
        emoji = ("👍", "🎉", "77")
        await board.save_page(*(total(e, 1) for e in emoji))
        await board.fetch("a")
        await board.apply(cleared={"🎉", "404"})
        assert {t[0] for t in await board.totals()} == {"👍", "77"}
        await board.apply(is_cleared=True)
        assert await board.rows() == [[], []]

    async def test_it_comes_before_what_was_given(self, board: Board) -> None:
        await board.save_page(total("👍", 5), total("🎉", 5))
        await board.apply(reaction("a"), reaction("b", emoji="🎉"), cleared={"🎉"})
        assert sorted(await board.totals()) == sorted([("👍", False, 5, None, 1), ("🎉", False, 1, 1, 0)])
        await board.apply(reaction("c"), is_cleared=True)
        assert await board.totals() == [("👍", False, 1, 1, 0)]
        assert await board.users() == "c"

    async def test_one_emoji_is_cleared_in_both_kinds(self, board: Board) -> None:
        await board.save_page(*both_totals("👍", 2, 1), total("🎉", 1, burst=True))
        await board.apply(cleared={"👍"})
        assert await board.totals() == [("🎉", True, 1, None, 0)]

    @pytest.mark.parametrize("given_since", ["", "c"])
    async def test_users_that_were_fetched_before_do_not_come_back(self, board: Board, given_since: str) -> None:
        await board.save_page(total("👍", 1))
        await board.apply(reaction("a"))
        (stale,) = await board.pending()
        await board.apply(*map(reaction, given_since), is_cleared=True, now=LATER + SECOND)
        await board.save(stale, "ab")
        assert await board.users() == given_since
        assert len(await board.totals()) == len(given_since)


async def test_text_that_no_database_holds(board: Board) -> None:
    await board.save_page()
    await board.apply(reaction("a", emoji="x\0y\ud800"))
    await board.apply(reaction("b", emoji="x\0y\ud800"))
    assert await board.totals() == [("xy?", False, 2, 2, 0)]
