"""A sample of the newest messages is compared by what an event tells, and by nothing else."""

from dataclasses import replace

import pytest

from adapters.records import MessageRecord
from storage.channels import channel_states, finish_channel, save_channels
from storage.database import Database
from storage.messages import mark_deleted
from storage.repair import Sample, differences, newest_sample
from tests.support.builders import MINUTE, NOW, channel, message, total
from tests.support.erasure_steps import WHO, erase
from tests.support.repair_steps import Way

pytestmark = pytest.mark.slow


async def sampled(db: Database, way: Way, size: int = 100) -> Sample:
    await finish_channel(db, way.channel.id, deleted_head_id=None, job=way.lease, now=NOW)
    sample = await newest_sample(db, way.tenant.id, size)
    assert sample is not None
    return sample


async def compared(db: Database, way: Way, *shown: MessageRecord, until: int = 1000) -> set[tuple[str, str]]:
    found = await differences(db, way.tenant.id, await sampled(db, way), shown, str(until))
    return {(str(kind), message_id) for kind, message_id in found}


async def test_it_holds_the_newest_messages_that_are_there(db: Database, way: Way) -> None:
    await way.store(*(message(n) for n in (8, 100, 101, 102, 103)))
    await mark_deleted(db, way.channel.id, ["102"], job=way.lease, now=NOW)
    assert (await sampled(db, way, 2)).message_ids == ("101", "103")
    sample = await sampled(db, way)
    assert sample.message_ids == ("100", "101", "103"), "ids of another length are left out"
    assert (sample.after, sample.channel_id) == ("99", way.channel.id)


async def test_it_is_of_the_channel_with_the_newest_message_that_was_read_to_its_end(db: Database, way: Way) -> None:
    await way.store(message(99))
    await save_channels(db, way.tenant.id, [channel("6"), channel("7")], NOW)
    _, later, unread = await channel_states(db, way.tenant.id)
    await way.store(message(100), channel_id=later.id)
    await way.store(message(101), channel_id=unread.id)
    await finish_channel(db, later.id, deleted_head_id=None, job=way.lease, now=NOW)
    assert (await sampled(db, way)).channel_id == later.id
    assert await newest_sample(db, "discord-404", 100) is None


async def test_what_is_equal_is_no_difference(db: Database, way: Way) -> None:
    edited = message(3, edited_at=NOW, reaction_totals=(total("a", 2), total("b", burst=True)))
    await way.store(message(2), edited)
    swapped = replace(edited, reaction_totals=edited.reaction_totals[::-1])
    assert await compared(db, way, replace(message(2), metadata={"flags": 4}), swapped) == set()


async def test_each_kind_of_difference_is_named(db: Database, way: Way) -> None:
    await way.store(message(2), message(3), message(5), message(6, reaction_totals=(total("a", 2),)), message(7))
    shown = (
        message(2, edited_at=NOW + MINUTE),
        message(4),
        message(5, reaction_totals=(total("a"),)),
        message(6, reaction_totals=(total("a", 2), total("a", burst=True))),
        message(7),
    )
    expected = {("edits", "2"), ("deletions", "3"), ("missing", "4"), ("reactions", "5"), ("reactions", "6")}
    assert await compared(db, way, *shown) == expected
    assert await compared(db, way, *shown, until=4) == {(kind, i) for kind, i in expected if int(i) <= 4}


async def test_a_message_behind_the_sample_or_marked_as_deleted_is_not_judged(db: Database, way: Way) -> None:
    await way.store(message(2), message(3))
    await mark_deleted(db, way.channel.id, ["3"], job=way.lease, now=NOW)
    assert await compared(db, way, message(1), message(2), message(3, edited_at=NOW), message(9), until=2) == set()


async def test_what_is_stored_of_an_erased_person_is_no_difference(db: Database, way: Way) -> None:
    whole = message(2, author_hash=WHO, edited_at=NOW, reaction_totals=(total("a", 2),))
    await way.store(message(1), whole, message(3))
    await erase(db, way.tenant.id)
    assert await compared(db, way, message(1), whole, message(3)) == set()
