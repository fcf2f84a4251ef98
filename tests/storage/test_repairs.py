"""Reading a range again makes the archive what the platform has, and writes nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.messages import mark_deleted, refetch
from storage.repair import PageOutcome, RefetchKind, finish_audit
from storage.tables import attachments, messages, reaction_totals, refetch_ranges, sync_progress
from storage.tenants import purge_tenant
from tests.support.builders import HOUR, MINUTE, NOW, SECOND, attachment, channel, message, total
from tests.support.faults import Killed, killed_before
from tests.support.repair_steps import BEGINNING, LATER, Way, state
from tests.support.tables_of import count_of, only_row, rows_of, run_sql


async def deleted(db: Database) -> list[str]:
    return [row["platform_id"] for row in await rows_of(db, messages) if row["deleted_at"] is not None]


class TestAPage:
    async def test_only_the_range_is_judged(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in (8, 9, 10, 11, 99, 100, 101, 1000)))
        await save_channels(db, way.tenant.id, [channel("6")], NOW)
        other = (await channel_states(db, way.tenant.id))[1]
        await way.store(message(10), channel_id=other.id)
        await way.gap(BEGINNING + 10 * SECOND, NOW)
        await way.plan()
        repair = (await way.pending())[0]
        assert repair.after_platform_id == "9"
        outcome = await way.save(repair, reached="100")
        assert outcome == PageOutcome(deleted=4, left=replace(repair, after_platform_id="100"))
        assert sorted(await deleted(db), key=int) == ["10", "11", "99", "100"]
        assert (await rows_of(db, messages))[-1]["deleted_at"] is None

    async def test_messages_are_paired_by_their_ids(self, db: Database, way: Way) -> None:
        """A page that leaves some out, in any order, changes each message that it shows and no other."""
        await way.store(*(message(n) for n in (1, 3, 4, 5)))
        repair = await way.audit()
        outcome = await way.save(repair, message(5), message(2), message(3, content="edited"))
        assert outcome == PageOutcome(seen=3, missing=1, changed=1, deleted=2)
        texts = {row["platform_id"]: row["content"] for row in await rows_of(db, messages)}
        assert texts == {str(n): "edited" if n == 3 else f"message {n}" for n in range(1, 6)}
        assert sorted(await deleted(db)) == ["1", "4"]

    @pytest.mark.slow
    async def test_what_is_there_is_brought_up_to_date(self, db: Database, way: Way) -> None:
        kept = message(1, attachments=(attachment("1"),), reaction_totals=(total("👍", 2),))
        await way.store(kept, message(2, reply_to_author_hash="b" * 64), message(3, attachments=(attachment("3"),)))
        repair = await way.audit()
        edited = message(3, reaction_totals=(total("🎉"),), metadata={"pinned": True})
        outcome = await way.save(repair, kept, message(2), edited)
        assert outcome == PageOutcome(seen=3, changed=1)
        first, second, third = await rows_of(db, messages)
        assert (first["updated_at"], second["updated_at"], second["reply_to_author_hash"]) == (NOW, NOW, "b" * 64)
        assert (third["metadata"], third["updated_at"]) == ({"pinned": True}, LATER)
        assert (await only_row(db, attachments))["message_platform_id"] == "1"
        assert [row["updated_at"] for row in await rows_of(db, reaction_totals)] == [NOW, LATER]

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "change",
        [
            {"content": "new"},
            {"metadata": {"n": True}},
            {"metadata": {"n": 1.5}},
            {"metadata": {}},
            {"attachments": ()},
            {"attachments": (attachment("1", filename="dog.png"),)},
            {"attachments": (attachment("1", metadata={"width": 1}),)},
            {"attachments": (attachment("1", url="https://cdn.example/other.png"),)},
            {"attachments": (attachment("1"), attachment("2"))},
            {"reaction_totals": ()},
            {"reaction_totals": (total("👍", 2),)},
            {"reaction_totals": (total("👍", burst=True),)},
            {"reaction_totals": (total("👍"), total("🎉"))},
            {"edited_at": NOW},
            {"sent_at": NOW},
            {"author_hash": None},
            {"reply_to_author_hash": "c" * 64},
        ],
    )
    async def test_every_difference_counts_once(self, db: Database, way: Way, change: dict[str, Any]) -> None:
        old = message(1, metadata={"n": 1}, attachments=(attachment("1"),), reaction_totals=(total("👍"),))
        await way.store(old)
        repair = await way.audit()
        assert (await way.save(repair, replace(old, **change))).changed == 1
        after = await state(db)
        assert (await way.save(repair, replace(old, **change), now=LATER + MINUTE)).changed == 0
        assert await state(db) == after

    async def test_a_file_whose_address_is_signed_anew_is_kept_but_not_counted(self, db: Database, way: Way) -> None:
        await way.store(message(1, attachments=(attachment("1"),)))
        url = "https://cdn.example/1/cat.png?ex=2"
        renewed = attachment("1", url=url, url_expires_at=NOW + 9 * HOUR)
        assert (await way.save(await way.audit(), message(1, attachments=(renewed,)))).changed == 0
        row = await only_row(db, attachments)
        assert (row["url"], row["url_expires_at"]) == (url, NOW + 9 * HOUR)

    async def test_what_the_databases_cannot_hold_is_no_difference(self, db: Database, way: Way) -> None:
        odd = message(1, content="a\0b", metadata={"x\0": ["\ud800", 2**70, -0.5], "b": {"z": 1, "a": 2}})
        await way.store(odd)
        before = await state(db)
        turned = replace(odd, metadata=dict(reversed(list(odd.metadata.items()))))
        assert await way.save(await way.audit(), turned) == PageOutcome(seen=1)
        assert await state(db) == before

    async def test_a_message_that_is_there_again(self, db: Database, way: Way) -> None:
        await way.store(message(1), message(2))
        await mark_deleted(db, way.channel.id, ["1", "2"], job=way.lease, now=NOW)
        assert await way.save(await way.audit(), message(1)) == PageOutcome(seen=1, changed=1)
        first, second = await rows_of(db, messages)
        assert (first["deleted_at"], first["updated_at"]) == (None, LATER)
        assert (second["deleted_at"], second["updated_at"]) == (NOW, NOW)

    async def test_a_missing_message_counts_and_the_checkpoint_stays(self, db: Database, way: Way) -> None:
        await way.store(message(5), message(7))
        before = await only_row(db, sync_progress)
        repair = await way.audit()
        outcome = await way.save(repair, message(5), message(6, attachments=(attachment("1"),)), message(7))
        assert outcome == PageOutcome(seen=3, missing=1)
        assert [m["platform_id"] for m in await rows_of(db, messages)] == ["5", "6", "7"]
        assert await count_of(db, attachments) == 1
        assert await only_row(db, sync_progress) == before | {"messages_archived": 3, "updated_at": LATER}

    async def test_what_lies_beyond_the_checkpoint_is_counted_when_that_passes(self, db: Database, way: Way) -> None:
        await way.store(message(5))
        await way.refetch("8")
        assert (await way.save(await way.only(), message(8))).missing == 1
        assert (await only_row(db, sync_progress))["messages_archived"] == 1
        await way.store(message(8))
        assert (await only_row(db, sync_progress))["messages_archived"] == 2

    @pytest.mark.slow
    async def test_what_was_touched_meanwhile_is_left_alone_and_looked_at_again(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in range(1, 7)))
        await mark_deleted(db, way.channel.id, ["6"], job=way.lease, now=NOW)
        before = await rows_of(db, messages)
        repair = await way.audit()
        page = [message(2, content="old or new"), message(3), message(5, content="changed"), message(7)]
        outcome = await way.save(repair, *page, reached="5", touched=["1", "2", "3", "6", "7", "400"])
        assert outcome == PageOutcome(seen=4, changed=1, deleted=1, left=replace(repair, after_platform_id="5"))
        after = await rows_of(db, messages)
        assert [row["platform_id"] for row in after if row not in before] == ["4", "5"]
        again = [r.until_platform_id for r in await way.pending() if r.kind is RefetchKind.REFETCH]
        assert again == ["1", "2", "3"]

    async def test_a_message_touched_while_it_is_looked_at_is_looked_at_once_more(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        await way.refetch("1")
        first = await way.only()
        assert await way.save(first, message(1, content="new"), touched=["1"]) == PageOutcome(seen=1)
        second = await way.only()
        assert (second.after_platform_id, second.until_platform_id) == ("0", "1")
        assert (await way.save(second, message(1, content="new"))).changed == 1
        assert await way.pending() == []

    async def test_a_range_that_was_purged_meanwhile_takes_nothing(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        repair = await way.audit()
        await run_sql(db, "DELETE FROM refetch_ranges")
        before = await state(db)
        assert await way.save(repair, message(1, content="new"), message(2), touched=["1"]) == PageOutcome()
        await finish_audit(db, repair.id, platform_count=1, job=way.lease, now=LATER)
        assert await state(db) == before
        assert await way.pending() == []

    async def test_purging_takes_the_ranges_along(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        await way.refetch("1")
        repair = await way.only()
        await purge_tenant(db, way.tenant.id, NOW)
        assert [await count_of(db, t) for t in (refetch_ranges, messages)] == [0, 0]
        with pytest.raises(LeaseLost):
            await way.save(repair, message(1))
        await refetch(db, {(way.tenant.id, "5", "1")}, NOW)
        await way.refetch("1")
        assert await count_of(db, refetch_ranges) == 0

    async def test_a_worker_that_lost_its_job_writes_nothing(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        repair = await way.audit()
        before = [await state(db), await rows_of(db, refetch_ranges)]
        way.lease = replace(way.lease, attempt=2)
        with pytest.raises(LeaseLost):
            await way.save(repair, message(1, content="new"))
        with pytest.raises(LeaseLost):
            await finish_audit(db, repair.id, platform_count=1, job=way.lease, now=LATER)
        assert [await state(db), await rows_of(db, refetch_ranges)] == before

    async def test_a_page_is_stored_whole_or_not_at_all(self, db: Database, way: Way) -> None:
        await way.store(message(1), message(3))
        planned = await way.audit()
        before = [await state(db), await rows_of(db, refetch_ranges)]
        with killed_before(db, "UPDATE refetch_ranges"), pytest.raises(Killed):
            await way.save(planned, message(1, content="new"), message(2))
        assert [await state(db), await rows_of(db, refetch_ranges)] == before
