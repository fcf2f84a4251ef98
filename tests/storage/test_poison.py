"""A message that the database cannot hold: it is set aside by its id, and everything else is stored."""

from collections import defaultdict
from typing import Any

import pytest

from adapters.records import MessageRecord
from storage.channels import ChannelState, channel_states, channel_summaries, fail_channel, finish_channel
from storage.database import Database
from storage.errors import StorageError, ValueRefused
from storage.jobs import JobLease
from storage.live import apply_changes
from storage.messages import MessageBatch, save_batch
from storage.repair import reconcile_page
from storage.tables import messages, sync_progress
from storage.tenants import Tenant
from tests.support.builders import NOW, attachment, change, message
from tests.support.live_steps import LATER
from tests.support.repair_steps import Way
from tests.support.tables_of import only_row, rows_of

pytestmark = pytest.mark.slow

NOTHING: Any = None


def poison(number: int) -> MessageRecord:
    """What no row of a message can hold, whatever the adapter thought."""
    return message(number, type=NOTHING)


async def store(db: Database, way: Way, *records: MessageRecord) -> frozenset[str]:
    batch = MessageBatch(tenant_id=way.tenant.id, channel_id=way.channel.id, messages=records, job=way.lease)
    return await save_batch(db, batch, NOW)


async def stored_ids(db: Database) -> list[int]:
    return sorted(int(row["platform_id"]) for row in await rows_of(db, messages))


async def error_of(db: Database) -> Any:
    """The channel's error; what it does not say is None."""
    return defaultdict(lambda: None, (await only_row(db, sync_progress))["last_error"] or {})


async def test_the_rest_of_its_page_is_stored(db: Database, way: Way) -> None:
    records = [poison(n) if n in (3, 40) else message(n, attachments=(attachment("1"),)) for n in range(1, 51)]
    assert await store(db, way, *records) == {"3", "40"}
    assert await stored_ids(db) == [n for n in range(1, 51) if n not in (3, 40)]
    error = await error_of(db)
    assert (error["code"], error["message_ids"]) == ("message_set_aside", ["3", "40"])
    (state,) = await channel_states(db, way.tenant.id)
    assert (state.checkpoint_id, state.messages_archived) == ("50", 48)


async def test_one_at_the_end_does_not_hold_the_checkpoint(db: Database, way: Way) -> None:
    assert await store(db, way, message(1), poison(2)) == {"2"}
    assert await store(db, way, poison(3)) == {"3"}
    (state,) = await channel_states(db, way.tenant.id)
    assert (state.checkpoint_id, state.messages_archived) == ("3", 1)
    assert (await error_of(db))["message_ids"] == ["2", "3"]


async def test_it_is_named_until_it_is_stored(db: Database, way: Way) -> None:
    await store(db, way, message(1), poison(2), message(3))
    await finish_channel(db, way.channel.id, deleted_head_id=None, job=way.lease, now=LATER)
    assert (await error_of(db))["message_ids"] == ["2"], "what is read later does not bring it"
    assert await store(db, way, message(4)) == frozenset()
    assert (await error_of(db))["message_ids"] == ["2"]
    await store(db, way, message(2))
    assert not await error_of(db)


async def test_another_failure_does_not_take_its_name_away(db: Database, way: Way) -> None:
    """Whether the failure comes before it, after it, or after what was set aside was read over."""
    await store(db, way, message(1), poison(2))
    await fail_channel(db, way.channel.id, error={"code": "call_failed"}, job=way.lease, now=LATER)
    assert (await error_of(db))["code"] == "call_failed"
    await store(db, way, message(3), poison(4))
    assert (await error_of(db))["code"] == "call_failed", "nor is the failure's"
    await finish_channel(db, way.channel.id, deleted_head_id=None, job=way.lease, now=LATER)
    assert (await error_of(db))["message_ids"] == ["2", "4"]
    await fail_channel(db, way.channel.id, error={"code": "call_failed"}, job=way.lease, now=LATER)
    await store(db, way, message(2), message(4))
    assert (await error_of(db))["code"] == "call_failed"
    await finish_channel(db, way.channel.id, deleted_head_id=None, job=way.lease, now=LATER)
    assert not await error_of(db)


async def test_all_of_them_are_named_however_many(db: Database, way: Way) -> None:
    for first in (1, 1_000):
        await store(db, way, *(poison(n) if n % 20 == 0 else message(n) for n in range(first, first + 600)))
    error = await error_of(db)
    assert len(error["message_ids"]) == 60
    assert "and 10 more; everything else is stored" in error["message"]


@pytest.mark.parametrize("count", [2, 30])
async def test_a_page_of_nothing_else_holds_nothing_up(db: Database, way: Way, count: int) -> None:
    assert len(await store(db, way, *(poison(n) for n in range(1, count + 1)))) == count
    assert await store(db, way, message(40)) == frozenset()
    assert await stored_ids(db) == [40]
    assert len((await error_of(db))["message_ids"]) == count


@pytest.mark.parametrize(("slips", "is_stored"), [(2, True), (3, False)])
async def test_where_the_program_fails_at_more_than_one_in_ten_none_counts_as_read(
    db: Database, way: Way, slips: int, is_stored: bool
) -> None:
    odd: Any = {"what": object()}
    records = [message(n, metadata=odd) if n <= slips else message(n) for n in range(1, 21)]
    if is_stored:
        assert len(await store(db, way, *records)) == slips
    else:
        with pytest.raises(ValueRefused):
            await store(db, way, *records)
        assert await stored_ids(db) == []
        assert await channel_states(db, way.tenant.id) == [way.channel]


async def test_one_that_is_read_again(db: Database, way: Way) -> None:
    records = [message(n) for n in range(1, 20)]
    await store(db, way, *records)
    planned = await way.audit()
    records[6] = message(7, content="edited", type=NOTHING)
    records[8] = message(9, content="edited")
    outcome = await reconcile_page(db, planned, records, reached="19", changed_meanwhile=(), job=way.lease, now=LATER)
    assert (outcome.set_aside, outcome.changed, outcome.deleted) == ({"7"}, 1, 0)
    assert (await error_of(db))["message_ids"] == ["7"]


@pytest.mark.parametrize("is_heard", [True, False])
async def test_those_that_are_deleted_on_the_platform_are_named_no_longer(
    db: Database, way: Way, is_heard: bool
) -> None:
    await store(db, way, message(1), poison(2), poison(3), message(4))
    await fail_channel(db, way.channel.id, error={"code": "call_failed"}, job=way.lease, now=LATER)
    (summary,) = await channel_summaries(db, way.tenant.id)
    assert ((summary.last_error or {})["code"], summary.set_aside) == ("call_failed", ["2", "3"]), "both are shown"
    for gone, left in (("2", ["3"]), ("3", [])):
        if is_heard:
            await apply_changes(db, [change(way.tenant.id, "5", gone, is_deleted=True)], LATER)
        else:
            await way.refetch(gone)
            await way.save(await way.only())
        (summary,) = await channel_summaries(db, way.tenant.id)
        assert summary.set_aside == left
    await finish_channel(db, way.channel.id, deleted_head_id=None, job=way.lease, now=LATER)
    assert not await error_of(db)


async def test_one_that_is_edited(db: Database, tenant: Tenant, general: ChannelState, way: Way) -> None:
    await store(db, way, *(message(n) for n in range(1, 20)))
    edits = {n: message(n, content="edited", edited_at=LATER) for n in range(1, 20)}
    edits[7] = message(7, content="edited", edited_at=LATER, type=NOTHING)
    await apply_changes(db, [change(tenant.id, "5", str(n), edited=edit) for n, edit in edits.items()], LATER)
    rows = {int(row["platform_id"]): row["content"] for row in await rows_of(db, messages)}
    assert [n for n, content in rows.items() if content != "edited"] == [7]


async def test_a_lost_lease_is_not_taken_for_poison(db: Database, way: Way, lease: JobLease) -> None:
    way.lease = JobLease(job_id=lease.job_id, owner="thief", attempt=9)
    with pytest.raises(StorageError, match="no longer"):
        await store(db, way, message(1), poison(2))
    assert await stored_ids(db) == []
