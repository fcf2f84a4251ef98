"""Refetches: single messages are read again, each once."""

from dataclasses import replace

import pytest

from adapters.records import SkipReason
from storage.channels import mark_skipped, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.messages import MessageBatch, refetch, save_batch
from storage.repair import PageOutcome, RefetchKind
from storage.tables import messages, refetch_ranges
from tests.support.builders import NOW, channel, message, thread
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, rows_of


class TestLookingAgain:
    async def test_each_once_in_its_own_channel(self, db: Database, way: Way) -> None:
        await save_channels(db, way.tenant.id, [channel("6"), channel("7"), thread("8", "5")], NOW)
        await mark_skipped(db, way.tenant.id, ["7"], SkipReason.NOT_PUBLIC, NOW)
        wanted = [("5", "10"), ("5", "1000"), ("6", "11"), ("7", "11"), ("8", "11"), ("404", "9")]
        keys = {(way.tenant.id, channel_id, message_id) for channel_id, message_id in wanted}
        for now in (NOW, LATER):
            await refetch(db, keys | {("discord-other", "5", "9")}, now)
        found = await way.pending()
        assert [(r.channel_platform_id, r.after_platform_id, r.until_platform_id) for r in found] == [
            ("5", "9", "10"),
            ("5", "999", "1000"),
            ("6", "10", "11"),
            ("8", "10", "11"),
        ], "what is skipped waits"
        assert {r.kind for r in found} == {RefetchKind.REFETCH}
        assert [r.parent_platform_id for r in found] == [None, None, None, "5"]
        assert {row["updated_at"] for row in await rows_of(db, refetch_ranges)} == {NOW}

    async def test_nothing_to_look_at(self, db: Database, way: Way) -> None:
        await refetch(db, set(), NOW)
        await way.refetch("7", channel="404")
        assert await count_of(db, refetch_ranges) == 0

    async def test_in_a_channel_whether_stored_or_not(self, db: Database, way: Way) -> None:
        for now in (NOW, LATER):
            await way.refetch("100", "7", "0", now=now)
        assert await way.ranges() == [("5", "0", "0"), ("5", "6", "7"), ("5", "99", "100")]

    async def test_it_is_done_when_it_was_read(self, db: Database, way: Way) -> None:
        await way.store(message(1), message(2), message(3))
        await way.refetch("2", "3")
        first, second = await way.pending()
        outcome = await way.save(first, message(2, content="new"))
        assert outcome == PageOutcome(seen=1, missing=0, changed=1, deleted=0, left=None)
        assert await way.save(second) == PageOutcome(deleted=1)
        assert await way.pending() == []
        assert [(m["content"], m["deleted_at"]) for m in await rows_of(db, messages)] == [
            ("message 1", None),
            ("new", None),
            ("message 3", LATER),
        ]

    async def test_what_changes_while_a_batch_is_stored_is_recorded_with_its_rows(self, db: Database, way: Way) -> None:
        named = [(way.tenant.id, "5", "2")]
        batch = MessageBatch(
            tenant_id=way.tenant.id,
            channel_id=way.channel.id,
            messages=[message(1), message(2)],
            job=replace(way.lease, attempt=way.lease.attempt + 1),
            changed=lambda: named,
        )
        with pytest.raises(LeaseLost):
            await save_batch(db, batch, NOW)
        assert await way.pending() == []
        await save_batch(db, replace(batch, job=way.lease), NOW)
        assert await way.ranges() == [("5", "1", "2")]

    async def test_so_it_is_with_a_page_that_is_read_again(self, db: Database, way: Way) -> None:
        """Also where it is the very message that the page was asked for."""
        await way.store(message(1), message(2))
        await way.refetch("2")
        keys = [(way.tenant.id, "5", "2")]
        await way.save(await way.only(), message(2, content="older"), changed=lambda: keys)
        assert await way.ranges() == [("5", "1", "2")]
