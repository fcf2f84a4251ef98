"""Of each part of a platform's connection one process writes the events, by a lease that it renews."""

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial

import pytest

from storage.database import Database
from storage.errors import LeadershipLost
from storage.live import (
    Leadership,
    acquire_leadership,
    advance_watermark,
    apply_changes,
    free_parts,
    release_leadership,
)
from storage.live.leader import hold_leadership
from storage.tables import live_state
from storage.tenants import Tenant
from tests.support.builders import HOUR, MINUTE, NOW, SECOND, change
from tests.support.job_steps import expire_leadership
from tests.support.tables_of import count_of, only_row, rows_of

LATER, MUCH_LATER = NOW + MINUTE, NOW + HOUR
WHOLE, HALVES = ["0/1"], ["0/2", "1/2"]


async def take(db: Database, owner: str, now: datetime = NOW) -> Leadership:
    return (await acquire_leadership(db, "discord", WHOLE, owner, now=now, lease=MINUTE))["0/1"]


async def taken(db: Database, owner: str, parts: Collection[str], division: Collection[str] = ()) -> set[str]:
    found = await acquire_leadership(db, "discord", parts, owner, now=NOW, lease=MINUTE, division=division)
    return {part for part, leadership in found.items() if leadership.is_mine}


async def advance(db: Database, owner: str, at: datetime, now: datetime = NOW, part: str = "0/1") -> None:
    await advance_watermark(db, "discord", owner, {part: at}, now)


async def test_the_first_one_takes_it(db: Database) -> None:
    assert await take(db, "me") == Leadership(is_mine=True, watermark_at=None)
    row = await only_row(db, live_state)
    assert (row["owner"], row["part"], row["watermark_at"]) == ("me", "0/1", None)
    assert 0 < (row["lease_until"] - datetime.now(UTC)).total_seconds() <= 60


async def test_it_is_renewed_and_says_how_far_everything_is_written(db: Database) -> None:
    await take(db, "me")
    await advance(db, "me", NOW)
    assert await take(db, "me", NOW + SECOND) == Leadership(is_mine=True, watermark_at=NOW)
    assert (await only_row(db, live_state))["watermark_at"] == NOW


async def test_another_one_has_it_until_its_lease_runs_out(db: Database) -> None:
    await take(db, "first")
    await advance(db, "first", NOW)
    is_free = db.dialect == "sqlite"  # there is only one process
    in_a_day = NOW + 24 * HOUR  # by a clock that is not the database's
    assert await take(db, "second", in_a_day) == Leadership(is_mine=is_free, watermark_at=NOW)
    if not is_free:
        assert (await only_row(db, live_state))["owner"] == "first"
    await expire_leadership(db)
    assert await take(db, "second") == Leadership(is_mine=True, watermark_at=NOW)
    assert (await only_row(db, live_state))["owner"] == "second"


async def test_each_platform_has_its_own(db: Database) -> None:
    await take(db, "me")
    assert (await acquire_leadership(db, "other", WHOLE, "you", now=NOW, lease=MINUTE))["0/1"].is_mine


async def test_the_watermark_never_moves_backwards(db: Database) -> None:
    await take(db, "me")
    for watermark_at in (LATER, NOW, LATER):
        await advance(db, "me", watermark_at, MUCH_LATER)
    assert (await only_row(db, live_state))["watermark_at"] == LATER


async def test_who_does_not_lead_moves_no_watermark(db: Database) -> None:
    await advance(db, "me", NOW)
    assert await count_of(db, live_state) == 0
    await take(db, "me")
    await advance(db, "you", NOW)
    assert (await only_row(db, live_state))["watermark_at"] is None


async def test_each_part_has_its_own(db: Database) -> None:
    assert await taken(db, "me", ["0/2"], HALVES) == {"0/2"}
    assert await free_parts(db, "discord", HALVES) == {"1/2"}
    assert "1/2" in await taken(db, "you", HALVES)
    assert await free_parts(db, "discord", HALVES) == set()
    owners = {row["part"]: row["owner"] for row in await rows_of(db, live_state)}
    assert owners == ({"0/2": "me", "1/2": "you"} if db.dialect == "postgresql" else dict.fromkeys(HALVES, "you"))


async def test_a_released_part_is_free_at_once(db: Database) -> None:
    await taken(db, "me", HALVES)
    await advance(db, "me", NOW, part="1/2")
    await release_leadership(db, "discord", ["1/2"], "me", NOW)
    assert await free_parts(db, "discord", HALVES) == {"1/2"}
    await release_leadership(db, "discord", ["0/2"], "you", NOW)
    assert await free_parts(db, "discord", HALVES) == {"1/2"}, "another one's was released"
    found = await acquire_leadership(db, "discord", ["1/2"], "you", now=NOW, lease=MINUTE, division=HALVES)
    assert found["1/2"] == Leadership(is_mine=True, watermark_at=NOW)


async def test_a_platform_that_is_divided_otherwise_was_written_as_far_as_all_its_parts_were(db: Database) -> None:
    await taken(db, "me", HALVES)
    await advance(db, "me", LATER, part="0/2")
    await advance(db, "me", NOW, part="1/2")
    quarters = [f"{number}/4" for number in range(4)]
    found = await acquire_leadership(db, "discord", quarters[:3], "me", now=NOW, lease=MINUTE, division=quarters)
    assert found == dict.fromkeys(quarters[:3], Leadership(is_mine=True, watermark_at=NOW))
    assert {row["part"] for row in await rows_of(db, live_state)} == set(quarters), "the last quarter knows it, too"
    found = await acquire_leadership(db, "discord", quarters, "me", now=NOW, lease=MINUTE, division=quarters)
    assert found["3/4"] == Leadership(is_mine=True, watermark_at=NOW)
    assert {row["part"] for row in await rows_of(db, live_state)} == set(quarters)


async def test_of_a_part_that_was_never_written_nothing_is_known_where_it_is_divided_anew(db: Database) -> None:
    await taken(db, "me", ["0/2"], HALVES)
    await advance(db, "me", LATER, part="0/2")
    found = await acquire_leadership(db, "discord", WHOLE, "me", now=NOW, lease=MINUTE)
    assert found["0/1"] == Leadership(is_mine=True, watermark_at=None)


async def test_nobody_leads_by_two_divisions_at_once(db: Database) -> None:
    await taken(db, "me", HALVES)
    is_alone = db.dialect == "sqlite"
    assert await taken(db, "you", WHOLE) == (set(WHOLE) if is_alone else set()), "its parts overlap"
    await expire_leadership(db)
    assert await taken(db, "you", WHOLE) == set(WHOLE)


async def test_what_another_process_leads_is_not_written(db: Database, tenant: Tenant) -> None:
    deleted = [change(tenant.id, "1", "1", is_deleted=True)]
    await take(db, "me")
    apply = partial(apply_changes, db, deleted, NOW, owner="me", leases={("discord", "0/1"): 1})
    await apply()
    await expire_leadership(db)
    await apply()  # nobody took it over
    await take(db, "you")
    if db.dialect == "sqlite":  # there is no other process
        await apply()
        return
    with pytest.raises(LeadershipLost):
        await apply()
    await expire_leadership(db)
    assert (await take(db, "me")).epoch == 3
    with pytest.raises(LeadershipLost):  # it was received before the other one wrote
        await apply()
    await apply(leases={("discord", "0/1"): 3})


async def test_what_is_being_written_is_not_taken_over_and_holds_up_no_renewal(db: Database) -> None:
    if db.dialect == "sqlite":
        return  # it has one process, and one transaction at a time
    await taken(db, "me", HALVES)
    await expire_leadership(db)
    async with db.writing() as connection:
        await hold_leadership(connection, {("discord", "0/2"): 1}, "me")
        assert await taken(db, "you", HALVES) == {"1/2"}, "the other half is written by nobody"
        await release_leadership(db, "discord", ["1/2"], "you", NOW)
        assert await taken(db, "me", HALVES) == set(HALVES)
        await advance(db, "me", NOW, part="0/2")
    await expire_leadership(db)
    assert await taken(db, "you", HALVES) == set(HALVES)
