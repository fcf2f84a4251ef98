"""Requests to opt out that are asked twice, at the same time, or again from a copy beside a backup."""

from dataclasses import replace

import pytest

from bot.request_lines import line_of, read_lines
from storage.database import Database
from storage.privacy import MARGIN, Erased, OptOut, fulfil_opt_out, list_opt_outs, opt_in, opt_out, restore_opt_out
from storage.tables import opt_outs
from tests.support.builders import HOUR, MINUTE, NOW, SHA, message
from tests.support.erasure_steps import WHO, holdings
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import rows_of

pytestmark = pytest.mark.slow

OUT, IN = NOW - 30 * MINUTE, NOW - 10 * MINUTE


async def carried_out(db: Database, asked: OptOut) -> OptOut:
    return await fulfil_opt_out(db, asked, clock=lambda: LATER)


async def test_a_restored_archive_learns_it_again(db: Database, way: Way) -> None:
    begun = await opt_out(db, WHO, tenant_id=None, now=OUT)
    (ended,) = await opt_in(db, WHO, tenant_id=None, now=IN)
    assert await opt_in(db, WHO, tenant_id="discord-404", now=IN) == []
    assert await restore_opt_out(db, begun, now=NOW) == ended, "what has ended does not begin again"
    for lost in (ended, begun):  # the backup may be from before the end, or from before both
        async with db.writing() as connection:
            await connection.execute(opt_outs.delete())
        restored = await restore_opt_out(db, lost, now=NOW)
        assert (restored.id, restored.withheld_from, restored.withheld_until) == (
            lost.id,
            lost.withheld_from,
            lost.withheld_until,
        )
    assert (await restore_opt_out(db, ended, now=NOW)).withheld_until == ended.withheld_until
    await opt_out(db, WHO, tenant_id=None, now=NOW)
    both = await restore_opt_out(db, replace(begun, requested_at=OUT - HOUR, withheld_from=OUT - HOUR), now=NOW)
    assert (both.requested_at, both.withheld_from) == (NOW, OUT - HOUR), "one holds, and reaches as far back"
    assert len(await list_opt_outs(db)) == 2


async def test_what_is_asked_again_counts_what_it_removed_itself(db: Database, way: Way) -> None:
    await way.store(message(1, author_hash=WHO), message(2000, author_hash=WHO))
    first = await carried_out(db, await opt_out(db, WHO, tenant_id=None, now=OUT))
    assert first.removed.messages == 1
    again = await opt_out(db, WHO, tenant_id=None, now=NOW)
    assert (again.removed, again.completed_at) == (Erased(), LATER)
    reaching_back = await carried_out(db, await opt_out(db, WHO, tenant_id=None, now=NOW, erase=True))
    assert reaching_back.removed.messages == 1
    assert (await restore_opt_out(db, reaching_back, now=NOW)).removed == Erased()


async def test_an_older_copy_of_the_requests_withholds_nothing_of_the_time_between(db: Database, way: Way) -> None:
    first = await opt_out(db, WHO, tenant_id=None, now=OUT)
    (ended,) = await opt_in(db, WHO, tenant_id=None, now=IN)
    second = await opt_out(db, WHO, tenant_id=None, now=NOW)
    assert await restore_opt_out(db, first, now=LATER) == ended
    assert await list_opt_outs(db) == [ended, second]


async def test_a_restored_archive_learns_that_all_before_was_to_go(db: Database, way: Way) -> None:
    """The backup is from before a person asked for that, too, and came back."""
    await way.store(message(1, author_hash=WHO))
    begun = await carried_out(db, await opt_out(db, WHO, tenant_id=None, now=OUT))
    ended = replace(begun, withheld_from=None, withheld_until=IN + MARGIN)
    restored = await restore_opt_out(db, ended, now=NOW)
    assert (restored.withheld_from, restored.withheld_until) == (None, IN + MARGIN)
    assert (await carried_out(db, restored)).removed.messages == 1
    assert WHO not in str(await holdings(db, "opt_outs"))


async def test_what_is_asked_during_a_removal_is_carried_out(db: Database, way: Way) -> None:
    await way.store(message(1, author_hash=WHO))
    begun = await opt_out(db, WHO, tenant_id=None, now=OUT)
    await opt_out(db, WHO, tenant_id=None, now=NOW, erase=True)
    asked = await carried_out(db, begun)
    assert (asked.swept_at, asked.completed_at, asked.withheld_from) == (None, None, None)
    assert await list_opt_outs(db, unfinished=True) == [asked]
    done = await carried_out(db, asked)
    assert (done.removed.messages, done.completed_at) == (1, LATER)


async def test_copies_in_any_order_restore_the_opt_out_that_holds(db: Database, way: Way) -> None:
    """On an archive that knows the first one, and not that it ended."""
    first = await opt_out(db, WHO, tenant_id=None, now=OUT)
    known = await rows_of(db, opt_outs)
    await opt_in(db, WHO, tenant_id=None, now=IN)
    await opt_out(db, WHO, tenant_id=None, now=NOW)
    both = await list_opt_outs(db)
    async with db.writing() as connection:
        await connection.execute(opt_outs.delete())
        await connection.execute(opt_outs.insert(), known)
    for each in read_lines([line_of(each, SHA) for each in [both[1], first, both[0]]], SHA):
        assert isinstance(each, OptOut)
        await restore_opt_out(db, each, now=LATER)
    assert await list_opt_outs(db) == both


async def test_opting_out_again_at_the_very_moment_of_opting_in_holds(db: Database, way: Way) -> None:
    await opt_out(db, WHO, tenant_id=None, now=NOW)
    (ended,) = await opt_in(db, WHO, tenant_id=None, now=NOW)
    again = await opt_out(db, WHO, tenant_id=None, now=NOW)
    assert again.withheld_until is None
    assert await list_opt_outs(db) == [ended, again]
