"""Lists of users are stored many at a time, and each is as exact as if it were alone."""

from typing import Any

import pytest

from adapters.records import SkipReason
from storage.channels import ChannelState, channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import JobLease, JobStatus, finish
from storage.messages import MessageBatch, save_batch
from storage.privacy import erase_user
from storage.reactions import UserList, pending_totals, save_users
from storage.tables import reaction_totals, reactions
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, channel, message, total
from tests.support.faults import Killed, killed_before
from tests.support.tables_of import count_of, rows_of

LATER = NOW + MINUTE


class Board:
    """Two channels, each with messages that were reacted to."""

    def __init__(self, db: Database, tenant: Tenant, lease: JobLease, ids: dict[str, int]) -> None:
        self.db, self.tenant, self.lease, self.ids = db, tenant, lease, ids

    async def react(self, channel_id: str, message_id: int, *counts: tuple[str, int]) -> None:
        record = message(message_id, reaction_totals=tuple(total(emoji, count) for emoji, count in counts))
        batch = MessageBatch(
            tenant_id=self.tenant.id, channel_id=self.ids[channel_id], messages=[record], job=self.lease
        )
        await save_batch(self.db, batch, NOW)

    async def lists(self, *users: str) -> list[UserList]:
        pending = [each for number in self.ids.values() for each in await pending_totals(self.db, number, None, 100)]
        return [UserList(each, frozenset(users)) for each in pending]

    async def stored(self) -> set[tuple[str, str, str]]:
        return {(r["message_platform_id"], r["emoji_key"], r["user_hash"]) for r in await rows_of(self.db, reactions)}

    async def fetched(self) -> dict[tuple[str, str], Any]:
        rows = await rows_of(self.db, reaction_totals)
        return {(r["message_platform_id"], r["emoji_key"]): r["fetched_count"] for r in rows}


@pytest.fixture
async def board(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Board:
    await save_channels(db, tenant.id, [channel("5"), channel("6")], NOW)
    board = Board(db, tenant, lease, {state.platform_id: state.id for state in await channel_states(db, tenant.id)})
    await board.react("5", 1, ("👍", 2), ("🎉", 2))
    await board.react("6", 2, ("👍", 2))
    return board


async def test_lists_of_several_channels_are_one_transaction(db: Database, board: Board) -> None:
    lists = await board.lists("a", "b")
    with killed_before(db, "INSERT INTO reactions"), pytest.raises(Killed):
        await save_users(db, lists, job=board.lease, now=LATER)
    assert (await count_of(db, reactions), set((await board.fetched()).values())) == (0, {None})
    unsaved = await save_users(db, lists, job=board.lease, now=LATER)
    assert (unsaved.changed, unsaved.skipped) == ([], set())
    assert await board.stored() == {(m, e, u) for m, e in (("1", "👍"), ("1", "🎉"), ("2", "👍")) for u in "ab"}
    assert await board.lists() == []


@pytest.mark.slow
async def test_one_that_changed_meanwhile_holds_up_no_other(db: Database, board: Board) -> None:
    lists = await board.lists("a", "b")
    await board.react("5", 1, ("👍", 3), ("🎉", 2))
    unsaved = await save_users(db, lists, job=board.lease, now=LATER)
    assert [one.total.emoji_key for one in unsaved.changed] == ["👍"]
    assert await board.stored() == {(m, e, u) for m, e in (("1", "🎉"), ("2", "👍")) for u in "ab"}
    assert await board.fetched() == {("1", "👍"): None, ("1", "🎉"): 2, ("2", "👍"): 2}


async def test_of_a_hidden_channel_nothing_is_stored_and_the_others_lists_are(db: Database, board: Board) -> None:
    lists = await board.lists("a", "b")
    await mark_skipped(db, board.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
    unsaved = await save_users(db, lists, job=board.lease, now=LATER)
    assert (unsaved.changed, unsaved.skipped) == ([], {board.ids["5"]})
    assert await board.stored() == {("2", "👍", "a"), ("2", "👍", "b")}


async def test_users_who_took_it_back_go_and_those_of_other_totals_stay(db: Database, board: Board) -> None:
    await save_users(db, await board.lists("a", "b"), job=board.lease, now=NOW)
    await board.react("5", 1, ("👍", 3))
    await board.react("6", 2, ("👍", 1))
    by_message = {"1": ("b", "c", "d"), "2": ("a",)}
    lists = [UserList(one.total, frozenset(by_message[one.total.message_platform_id])) for one in await board.lists()]
    await save_users(db, lists, job=board.lease, now=LATER)
    assert await board.stored() == {("1", "👍", "b"), ("1", "👍", "c"), ("1", "👍", "d"), ("2", "👍", "a")}
    written = {(r["user_hash"], r["updated_at"]) for r in await rows_of(db, reactions)}
    assert written == {("a", NOW), ("b", NOW), ("c", LATER), ("d", LATER)}, "only differences are written"


@pytest.mark.slow
async def test_who_was_erased_is_in_none_of_them(db: Database, board: Board) -> None:
    who, other = "a" * 64, "b" * 64
    lists = await board.lists(who, other)
    await erase_user(db, who, tenant_id=None, now=NOW)
    await save_users(db, lists, job=board.lease, now=LATER)
    assert {user for *_, user in await board.stored()} == {other}
    assert await board.lists() == [], "they are counted, so that no list is fetched again"


async def test_a_job_that_ended_stores_none(db: Database, board: Board) -> None:
    lists = await board.lists("a", "b")
    await finish(db, board.lease, status=JobStatus.CANCELLED, totals={}, error=None, now=NOW)
    with pytest.raises(LeaseLost):
        await save_users(db, lists, job=board.lease, now=LATER)
    assert await count_of(db, reactions) == 0


async def test_none_at_all(db: Database, board: Board) -> None:
    unsaved = await save_users(db, [], job=board.lease, now=LATER)
    assert (unsaved.changed, unsaved.skipped) == ([], set())
