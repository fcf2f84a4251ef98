"""Processes on one archive divide what a platform has between them: the parts of its connection, and its pace."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.parts import Division
from storage.database import open_database
from storage.live import acquire_leadership
from storage.tenants import defer_until
from tests.support.branches import PARTS, Branch, Member, running
from tests.support.builders import MINUTE
from tests.support.job_steps import expire_leadership
from tests.support.patience import comes
from tests.support.postgres import Postgres

pytestmark = pytest.mark.slow

NOW = datetime.now(UTC)


class Otherwise(Branch):
    """One that was told of another number of parts."""

    division = Division(tuple(f"{number}/5" for number in range(5)), lambda _: "0/5")

    def __init__(self) -> None:
        super().__init__(shares=False)
        self.held = frozenset(self.division.parts)


class CountsOtherwise(Branch):
    """One that shares, and was told of another number of parts."""

    division = Otherwise.division


class Late(Branch):
    """One whose log-in takes long: until it is connected nothing is held, and nothing was told of any part."""

    is_connected = False
    wanted: frozenset[str] = frozenset()

    def hold(self, parts: frozenset[str]) -> None:
        self.wanted = parts
        if self.is_connected:
            super().hold(parts)

    def connect(self) -> None:
        self.is_connected = True
        super().hold(self.wanted)


async def test_one_that_joins_gets_its_share_and_one_that_leaves_gives_it_back(postgres: Postgres) -> None:
    url, first, second = postgres.create_database(), Branch(), Branch()
    async with running(url, "a", first):
        await comes(lambda: first.held == set(PARTS), "all parts while it is alone")
        assert first.share == 1.0
        async with running(url, "b", second):
            await comes(lambda: len(first.held) == len(second.held) == 2, "two each")
            assert first.held | second.held == set(PARTS)
            await comes(lambda: (first.share, second.share) == (0.5, 0.5), "half of the pace each")
        await comes(lambda: first.held == set(PARTS), "all parts again")
        await comes(lambda: first.share == 1.0, "all of the pace again")


async def test_what_another_process_took_over_is_not_held(postgres: Postgres) -> None:
    """As where a process stood still for longer than its leases last."""
    url, branch = postgres.create_database(), Branch()
    db = await open_database(url, hash_choice="sha256")
    try:
        async with running(url, "a", branch) as member:
            await comes(lambda: branch.held == set(PARTS), "all parts")
            await expire_leadership(db)
            other = Member(db, "b", Branch())
            await other.live.following.seek("post", PARTS[:2])
            await member.live.following.renew()
            await comes(lambda: not branch.held & set(PARTS[:2]), "none of those that the other one leads")
    finally:
        await db.close()


async def test_processes_with_the_same_parts_divide_the_pace(postgres: Postgres) -> None:
    url, first, second = postgres.create_database(), Branch(shares=False), Branch(shares=False)
    async with running(url, "a", first), running(url, "b", second):
        await comes(lambda: (first.share, second.share) == (0.5, 0.5), "half each")
        assert first.held == second.held == set(PARTS)


async def test_processes_that_divide_the_platform_otherwise_divide_the_pace_all_the_same(postgres: Postgres) -> None:
    url, first, second = postgres.create_database(), Branch(shares=False), Otherwise()
    async with running(url, "a", first), running(url, "b", second):
        await comes(lambda: (first.share, second.share) == (0.5, 0.5), "half each")


async def test_a_wait_that_a_platform_told_another_process_is_heeded(postgres: Postgres) -> None:
    url, first, second = postgres.create_database(), Branch(), Branch()
    db = await open_database(url, hash_choice="sha256")
    try:
        async with running(url, "a", first) as one, running(url, "b", second):
            await comes(lambda: len(second.held) == 2, "two processes")
            assert not one.put_back
            await defer_until(db, None, "post", datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC))
            await comes(lambda: one.put_back, "its jobs go back")
            assert one.put_back[0]("post-T1")
            assert not one.put_back[0]("discord-1")
    finally:
        await db.close()


async def test_what_is_beyond_its_share_is_left_also_where_it_was_never_connected(postgres: Postgres) -> None:
    url, late, second = postgres.create_database(), Late(), Branch()
    async with running(url, "a", late):
        await comes(lambda: late.wanted == set(PARTS), "all parts are to be connected")
        async with running(url, "b", second):
            await comes(lambda: len(second.held) == 2, "the other one has its share")
            late.connect()
            assert late.held | second.held == set(PARTS)


async def test_one_that_counts_the_parts_otherwise_takes_none_from_the_others_and_says_so(postgres: Postgres) -> None:
    url, first, odd = postgres.create_database(), Branch(), CountsOtherwise()
    async with running(url, "a", first):
        await comes(lambda: first.held == set(PARTS), "all parts")
        async with running(url, "b", odd) as member:
            await comes(lambda: member.live.following.blocked, "it is noted")
            assert "0/4" in member.live.following.blocked["post"]
            await asyncio.sleep(1.0)  # some entries later
            assert (first.held, odd.held) == (set(PARTS), frozenset())
            assert first.released == []


@pytest.mark.parametrize("newcomer", ["a", "z"])
async def test_one_that_joins_takes_nothing_from_one_that_has_no_more_than_its_share(
    postgres: Postgres, newcomer: str
) -> None:
    """Whatever its id: a part that changes hands is a time in which nobody receives its events."""
    url, branches = postgres.create_database(), [Branch() for _ in range(5)]
    async with AsyncExitStack() as stack:
        for number in range(4):
            await stack.enter_async_context(running(url, f"m{number}", branches[number]))
        await comes(lambda: [len(one.held) for one in branches] == [1, 1, 1, 1, 0], "one each")
        before = sum(len(one.released) for one in branches)
        await stack.enter_async_context(running(url, newcomer, branches[4]))
        await comes(lambda: branches[4].share < 1, "it knows of the others")
        await asyncio.sleep(1.0)  # some entries later
        assert [len(one.held) for one in branches] == [1, 1, 1, 1, 0]
        assert sum(len(one.released) for one in branches) == before


async def test_a_part_that_is_not_connected_yet_is_taken_from_nobody_either(postgres: Postgres) -> None:
    url, late, others, newcomer = postgres.create_database(), Late(), [Branch() for _ in range(3)], Branch()
    async with AsyncExitStack() as stack:
        for name, branch in zip("mnop", (late, *others), strict=True):
            await stack.enter_async_context(running(url, name, branch))
        await comes(lambda: {len(one.held) for one in others} == {1} == {len(late.wanted)}, "one each")
        await stack.enter_async_context(running(url, "a", newcomer))
        await comes(lambda: newcomer.share < 1, "it knows of the others")
        await asyncio.sleep(1.0)
        assert (len(late.wanted), newcomer.held) == (1, frozenset())


@pytest.mark.parametrize("newcomer", ["a", "z"])
async def test_one_that_joins_takes_as_few_as_make_the_shares_fair(postgres: Postgres, newcomer: str) -> None:
    url, branches = postgres.create_database(), [Branch() for _ in range(3)]
    async with running(url, "m", branches[0]), running(url, "n", branches[1]):
        await comes(lambda: [len(one.held) for one in branches] == [2, 2, 0], "two each")
        before = sum(len(one.released) for one in branches)
        async with running(url, newcomer, branches[2]):
            await comes(lambda: sorted(len(one.held) for one in branches) == [1, 1, 2], "each has its share")
            await asyncio.sleep(1.0)
            assert sum(len(one.released) for one in branches) == before + 1


async def test_what_is_left_over_goes_to_some(postgres: Postgres) -> None:
    url, branches = postgres.create_database(), [Branch() for _ in range(3)]
    async with running(url, "a", branches[0]), running(url, "b", branches[1]), running(url, "c", branches[2]):
        await comes(lambda: sorted(len(one.held) for one in branches) == [1, 1, 2], "each has its share")


async def test_on_sqlite_nothing_is_in_the_way_that_another_process_left_behind(tmp_path: Path) -> None:
    """It was killed a moment ago, and there were other shards then."""
    url, branch = f"sqlite+aiosqlite:///{tmp_path}/archive.db", Branch()
    db = await open_database(url, hash_choice="sha256")
    await acquire_leadership(db, "post", ["0/5"], "killed", now=NOW, lease=MINUTE)
    await db.close()
    async with running(url, "a", branch) as member:
        await comes(lambda: branch.held == set(PARTS), "all parts")
        assert member.live.following.blocked == {}
