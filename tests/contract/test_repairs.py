"""Repairs: reading a range again makes the archive what the platform has, and writes nothing else."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from adapters.records import MessageRecord, SkipReason
from storage import gap_planning, id_spans
from storage.channels import ChannelState, channel_states, mark_skipped, save_channels
from storage.database import Database
from storage.errors import LeaseLost
from storage.jobs import JobLease
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.purging import purge_tenant
from storage.repairs import (
    PageOutcome,
    Repair,
    RepairKind,
    finish_audit,
    look_again,
    look_again_in,
    pending,
    plan,
    request_audit,
    save_page,
)
from storage.tables import attachments, channels, messages, reaction_totals, repairs, sync_gaps, sync_progress, tenants
from storage.tenants import Tenant, stop_tenant
from tests.contract.builders import HOUR, MINUTE, NOW, SECOND, attachment, channel, message, thread, total
from tests.contract.tables_of import count_of, only_row, rows_of, run_sql

LATER = NOW + MINUTE
BEGINNING = NOW - HOUR


def cursor_at(moment: datetime) -> str:
    """As the numbers of the builders' messages have it: a second each."""
    return str(max(int((moment - BEGINNING) / SECOND) - 1, 0))


class Way:
    """A job that reads one channel again."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def store(self, *records: MessageRecord, channel_id: int | None = None) -> None:
        batch = MessageBatch(
            tenant_id=self.tenant.id, channel_id=channel_id or self.channel.id, messages=records, job=self.lease
        )
        await save_batch(self.db, batch, NOW)

    async def plan(self, window: timedelta = timedelta(0), now: datetime = LATER) -> int:
        return await plan(self.db, self.tenant.id, window=window, cursor_at=cursor_at, job=self.lease, now=now)

    async def audit(self) -> Repair:
        await request_audit(self.db, self.tenant.id, LATER)
        assert await self.plan() == 1
        return await self.only()

    async def pending(self) -> list[Repair]:
        return await pending(self.db, self.tenant.id)

    async def only(self) -> Repair:
        (repair,) = await self.pending()
        return repair

    async def save(
        self,
        repair: Repair,
        *records: MessageRecord,
        reached: str | None = None,
        touched: Collection[str] = (),
        now: datetime = LATER,
    ) -> PageOutcome:
        return await save_page(
            self.db,
            repair,
            records,
            reached=reached or repair.until_id,
            touched=frozenset(touched),
            job=self.lease,
            now=now,
        )

    async def gap(self, began: datetime, ended: datetime | None, tenant_id: str | None = None) -> None:
        values = {"tenant_id": tenant_id or self.tenant.id, "began_at": began, "ended_at": ended}
        async with self.db.writing() as connection:
            await connection.execute(
                sync_gaps.insert().values(**values, reason="session_lost", created_at=NOW, updated_at=NOW)
            )

    async def ranges(self) -> list[tuple[str, str | None, str]]:
        return [(r.channel_platform_id, r.after_id, r.until_id) for r in await self.pending()]


@pytest.fixture
def way(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Way:
    return Way(db, tenant, general, lease)


async def state(db: Database) -> list[Any]:
    """All that a repair may change of messages."""
    return [await rows_of(db, table) for table in (messages, attachments, reaction_totals, sync_progress)]


async def deleted(db: Database) -> list[str]:
    return [row["platform_id"] for row in await rows_of(db, messages) if row["deleted_at"] is not None]


class TestLookingAgain:
    async def test_stored_messages_of_archived_channels(self, db: Database, way: Way) -> None:
        await save_channels(db, way.tenant.id, [channel("6"), channel("7"), thread("8", "5")], NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        await way.store(message(9), message(10), message(1000))
        for platform_id in "678":
            await way.store(message(11), channel_id=ids[platform_id])
        await mark_skipped(db, way.tenant.id, ["7"], SkipReason.NOT_PUBLIC, NOW)
        asked = [("5", "10"), ("5", "1000"), ("5", "404"), ("6", "11"), ("7", "11"), ("8", "11"), ("404", "9")]
        keys = {(way.tenant.id, channel_id, message_id) for channel_id, message_id in asked}
        for now in (NOW, LATER):
            await look_again(db, keys | {("discord-other", "5", "9")}, now)
        found = await way.pending()
        assert [(r.channel_platform_id, r.after_id, r.until_id) for r in found] == [
            ("5", "9", "10"),
            ("5", "999", "1000"),
            ("6", "10", "11"),
            ("8", "10", "11"),
        ]
        assert {r.kind for r in found} == {RepairKind.LOOK_AGAIN}
        assert [r.parent_platform_id for r in found] == [None, None, None, "5"]
        assert {row["updated_at"] for row in await rows_of(db, repairs)} == {NOW}

    async def test_nothing_to_look_at(self, db: Database, way: Way) -> None:
        await look_again(db, set(), NOW)
        await look_again_in(db, way.channel.id, set(), NOW)
        await look_again_in(db, 999, {"7"}, NOW)
        assert await count_of(db, repairs) == 0

    async def test_in_a_channel_whether_stored_or_not(self, db: Database, way: Way) -> None:
        for now in (NOW, LATER):
            await look_again_in(db, way.channel.id, {"100", "7", "0"}, now)
        assert await way.ranges() == [("5", "0", "0"), ("5", "6", "7"), ("5", "99", "100")]

    async def test_many_at_once(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in range(1, 6_001)))
        await look_again(db, {(way.tenant.id, "5", str(n)) for n in range(1, 6_501)}, NOW)
        assert await count_of(db, repairs) == 6_000

    async def test_it_is_done_when_it_was_read(self, db: Database, way: Way) -> None:
        await way.store(message(1), message(2), message(3))
        await look_again_in(db, way.channel.id, {"2", "3"}, NOW)
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


class TestPlanning:
    async def test_nothing_to_plan_takes_no_lease(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        await way.gap(NOW - MINUTE, None)
        way.lease = replace(way.lease, owner="nobody")
        assert await way.plan() == 0
        await way.gap(NOW - HOUR, NOW)
        with pytest.raises(LeaseLost):
            await way.plan()
        assert {row["planned_at"] for row in await rows_of(db, sync_gaps)} == {None}

    async def test_a_gap_is_read_again_in_the_channels_active_then(self, db: Database, way: Way) -> None:
        listed = [channel("6"), channel("7"), channel("8"), channel("9")]
        await save_channels(db, way.tenant.id, listed, NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        await way.store(message(100), message(2000))
        await way.store(message(99), channel_id=ids["6"])  # too old
        await way.store(message(150), channel_id=ids["7"])
        await way.store(message(2000), channel_id=ids["8"])
        await mark_deleted(db, ids["8"], ["2000"], job=None, now=NOW)
        await way.store(message(2000), channel_id=ids["9"])
        await mark_skipped(db, way.tenant.id, ["9"], SkipReason.NOT_PUBLIC, NOW)
        for began in (160, 170):
            await way.gap(BEGINNING + began * SECOND, NOW)
        assert await way.plan(window=60 * SECOND) == 2
        assert await way.ranges() == [("5", "99", "2000"), ("7", "99", "150")]
        assert {(row["planned_at"], row["repaired_at"]) for row in await rows_of(db, sync_gaps)} == {(LATER, None)}
        assert await way.plan(window=60 * SECOND) == 0

    async def test_a_gap_of_another_tenant_is_another(self, db: Database, way: Way) -> None:
        await run_sql(
            db,
            "INSERT INTO tenants (id, platform, platform_id, sync_status, metadata, created_at, updated_at)"
            " SELECT 'discord-other', platform, 'other', sync_status, metadata, created_at, updated_at FROM tenants",
        )
        await way.store(message(100))
        await way.gap(BEGINNING, NOW, tenant_id="discord-other")
        assert await way.plan() == 0
        assert (await only_row(db, sync_gaps))["planned_at"] is None

    async def test_what_is_left_of_an_earlier_gap_is_widened(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in (50, 100, 200)))
        await way.gap(BEGINNING + 60 * SECOND, NOW)
        assert await way.plan() == 1
        first = await way.only()
        assert (first.after_id, first.until_id) == ("59", "200")
        moved = (await way.save(first, message(100), reached="100")).left
        assert moved is not None
        await way.store(message(3000))
        await way.gap(BEGINNING + 150 * SECOND, NOW)
        assert await way.plan() == 1
        assert await way.only() == replace(first, after_id="100", until_id="3000")
        await way.gap(BEGINNING + 5 * SECOND, NOW)
        assert await way.plan() == 1
        assert await way.only() == replace(first, after_id="4", until_id="3000")
        await way.gap(BEGINNING + 100 * SECOND, NOW)
        assert await way.plan(now=LATER + MINUTE) == 0
        row = await only_row(db, repairs)
        assert (row["after_id"], row["seen"], row["updated_at"]) == ("4", 1, LATER)

    async def test_ids_are_compared_as_numbers(self, db: Database, way: Way) -> None:
        await way.store(message(99), message(1000))
        await way.gap(BEGINNING + 999 * SECOND, NOW)
        assert await way.plan() == 1
        await way.gap(BEGINNING + 99 * SECOND, NOW)
        assert await way.plan() == 1
        assert await way.ranges() == [("5", "98", "1000")]

    @pytest.mark.parametrize(
        ("archived_at", "planned"),
        [
            ("2026-11-23T09:29:59.999+00:00", False),
            ("2026-11-23T10:30:00+01:00", True),
            ("2026-11-23T09:59:00+00:00", True),
            ("2026-11-23T09:29:00", True),
            ("nonsense", True),
            (None, True),
        ],
    )
    async def test_a_thread_that_was_archived_before_is_as_it_was(
        self, db: Database, way: Way, archived_at: str | None, planned: bool
    ) -> None:
        closed = thread("6", "5", metadata={"archived": True, "archive_timestamp": archived_at})
        opened = thread("7", "5", metadata={"archived": False, "archive_timestamp": archived_at})
        await save_channels(db, way.tenant.id, [closed, opened], NOW)
        for each in (await channel_states(db, way.tenant.id))[1:]:
            await way.store(message(1700), channel_id=each.id)
        await way.gap(NOW.replace(minute=30, second=0, microsecond=0) - HOUR, NOW)
        assert await way.plan(window=5 * MINUTE) == 1 + planned
        assert {r.channel_platform_id for r in await way.pending()} == {"7", *(["6"] if planned else [])}

    async def test_a_channel_that_is_shown_again(self, db: Database, way: Way) -> None:
        await save_channels(db, way.tenant.id, [channel("6"), channel("7")], NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        for platform_id in "567":
            await way.store(message(100), message(200), channel_id=ids[platform_id])
        await mark_skipped(db, way.tenant.id, ["5", "6"], SkipReason.NOT_PUBLIC, BEGINNING + 180 * SECOND)
        await mark_skipped(db, way.tenant.id, ["7"], SkipReason.NOT_PUBLIC, BEGINNING + 900 * SECOND)
        assert await way.plan(window=60 * SECOND) == 0
        await save_channels(db, way.tenant.id, [channel("5"), channel("7")], NOW)
        assert await way.plan(window=60 * SECOND) == 1
        assert await way.ranges() == [("5", "119", "200")]
        unseen = {row["platform_id"]: row["unseen_since"] for row in await rows_of(db, channels)}
        assert unseen == {"5": None, "6": BEGINNING + 180 * SECOND, "7": None}
        assert await way.plan(window=60 * SECOND) == 0

    async def test_a_channel_that_was_hidden_before_its_gap_was_repaired(self, db: Database, way: Way) -> None:
        await way.store(message(100), message(200))
        await mark_skipped(db, way.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        await way.gap(BEGINNING + 150 * SECOND, NOW)
        assert await way.plan() == 0
        assert (await only_row(db, channels))["unseen_since"] == BEGINNING + 150 * SECOND
        await save_channels(db, way.tenant.id, [channel("5")], NOW)
        assert await way.plan() == 1
        assert await way.ranges() == [("5", "149", "200")]

    async def test_an_audit_of_every_archived_channel_with_a_checkpoint(self, db: Database, way: Way) -> None:
        listed = [channel("6"), thread("7", "5"), channel("8")]
        await save_channels(db, way.tenant.id, listed, NOW)
        ids = {state.platform_id: state.id for state in await channel_states(db, way.tenant.id)}
        for platform_id in "578":
            await way.store(message(100), channel_id=ids[platform_id])
        await mark_skipped(db, way.tenant.id, ["8"], SkipReason.NOT_PUBLIC, NOW)
        assert await way.plan() == 0
        for now in (NOW, LATER):
            await request_audit(db, way.tenant.id, now)
        assert (await only_row(db, tenants))["audit_requested_at"] == NOW
        assert await way.plan() == 2
        assert await way.ranges() == [("5", None, "100"), ("7", None, "100")]
        assert {r.kind for r in await way.pending()} == {RepairKind.AUDIT}
        row = await only_row(db, tenants)
        assert (row["audit_requested_at"], row["audited_at"]) == (None, None)
        await way.store(message(200))
        await request_audit(db, way.tenant.id, LATER)
        assert await way.plan() == 0
        assert await way.ranges() == [("5", None, "100"), ("7", None, "100")]

    async def test_where_nothing_is_stored_an_audit_is_done_at_once(self, db: Database, way: Way) -> None:
        await request_audit(db, way.tenant.id, NOW)
        assert await way.plan() == 0
        row = await only_row(db, tenants)
        assert (row["audit_requested_at"], row["audited_at"]) == (None, LATER)

    async def test_a_stopped_or_unknown_tenant_is_not_audited(self, db: Database, way: Way) -> None:
        await request_audit(db, "discord-other", NOW)
        await stop_tenant(db, way.tenant.id, NOW)
        await request_audit(db, way.tenant.id, NOW)
        assert (await only_row(db, tenants))["audit_requested_at"] is None

    async def test_the_most_urgent_comes_first(self, db: Database, way: Way) -> None:
        await save_channels(db, way.tenant.id, [channel("6")], NOW)
        other = (await channel_states(db, way.tenant.id))[1]
        for channel_id in (way.channel.id, other.id):
            await way.store(message(9), message(10), channel_id=channel_id)
        await request_audit(db, way.tenant.id, NOW)
        await way.gap(BEGINNING, NOW)
        await way.plan()
        await look_again_in(db, other.id, {"9"}, NOW)
        await look_again_in(db, way.channel.id, {"10", "9"}, NOW)
        assert [(r.kind.value, r.channel_platform_id, r.until_id) for r in await way.pending()] == [
            ("look_again", "5", "9"),
            ("look_again", "5", "10"),
            ("look_again", "6", "9"),
            ("gap", "5", "10"),
            ("gap", "6", "10"),
            ("audit", "5", "10"),
            ("audit", "6", "10"),
        ]
        await mark_skipped(db, way.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        assert {r.channel_platform_id for r in await way.pending()} == {"6"}
        assert await pending(db, "discord-other") == []


class TestAPage:
    async def test_only_the_range_is_judged(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in (8, 9, 10, 11, 99, 100, 101, 1000)))
        await save_channels(db, way.tenant.id, [channel("6")], NOW)
        other = (await channel_states(db, way.tenant.id))[1]
        await way.store(message(10), channel_id=other.id)
        await way.gap(BEGINNING + 10 * SECOND, NOW)
        await way.plan()
        repair = (await way.pending())[0]
        assert repair.after_id == "9"
        outcome = await way.save(repair, reached="100")
        assert outcome == PageOutcome(deleted=4, left=replace(repair, after_id="100"))
        assert sorted(await deleted(db), key=int) == ["10", "11", "99", "100"]
        assert (await rows_of(db, messages))[-1]["deleted_at"] is None

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
        assert (await only_row(db, attachments))["message_id"] == "1"
        assert [row["updated_at"] for row in await rows_of(db, reaction_totals)] == [NOW, LATER]

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
            {"reaction_totals": (total("👍", 1, 1),)},
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

    async def test_a_file_whose_address_is_signed_anew_is_kept_but_not_told(self, db: Database, way: Way) -> None:
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
        turned = replace(odd, metadata=dict(reversed(odd.metadata.items())))
        assert await way.save(await way.audit(), turned) == PageOutcome(seen=1)
        assert await state(db) == before

    async def test_a_total_of_which_events_told_too_little_is_as_told_now(self, db: Database, way: Way) -> None:
        record = message(1, reaction_totals=(total("👍"),))
        await way.store(record)
        await run_sql(db, "UPDATE reaction_totals SET is_stale = :stale", stale=True)
        assert await way.save(await way.audit(), record) == PageOutcome(seen=1)
        assert (await only_row(db, reaction_totals))["is_stale"] is False

    async def test_a_message_that_is_there_again(self, db: Database, way: Way) -> None:
        await way.store(message(1), message(2))
        await mark_deleted(db, way.channel.id, ["1", "2"], job=None, now=NOW)
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
        await look_again_in(db, way.channel.id, {"8"}, NOW)
        assert (await way.save(await way.only(), message(8))).missing == 1
        assert (await only_row(db, sync_progress))["messages_archived"] == 1
        await way.store(message(8))
        assert (await only_row(db, sync_progress))["messages_archived"] == 2

    async def test_what_was_touched_meanwhile_is_left_alone_and_looked_at_again(self, db: Database, way: Way) -> None:
        await way.store(*(message(n) for n in range(1, 7)))
        await mark_deleted(db, way.channel.id, ["6"], job=None, now=NOW)
        before = await rows_of(db, messages)
        repair = await way.audit()
        page = [message(2, content="old or new"), message(3), message(5, content="changed"), message(7)]
        outcome = await way.save(repair, *page, reached="5", touched=["1", "2", "3", "6", "7", "400"])
        assert outcome == PageOutcome(seen=4, changed=1, deleted=1, left=replace(repair, after_id="5"))
        after = await rows_of(db, messages)
        assert [row["platform_id"] for row in after if row not in before] == ["4", "5"]
        again = [r.until_id for r in await way.pending() if r.kind is RepairKind.LOOK_AGAIN]
        assert again == ["1", "2", "3"]

    async def test_a_message_touched_while_it_is_looked_at_is_looked_at_once_more(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        await look_again_in(db, way.channel.id, {"1"}, NOW)
        first = await way.only()
        assert await way.save(first, message(1, content="new"), touched=["1"]) == PageOutcome(seen=1)
        second = await way.only()
        assert (second.after_id, second.until_id) == ("0", "1")
        assert (await way.save(second, message(1, content="new"))).changed == 1
        assert await way.pending() == []

    async def test_a_range_that_was_purged_meanwhile_takes_nothing(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        repair = await way.audit()
        await run_sql(db, "DELETE FROM repairs")
        before = await state(db)
        assert await way.save(repair, message(1, content="new"), message(2), touched=["1"]) == PageOutcome()
        await finish_audit(db, repair.id, platform_count=1, job=way.lease, now=LATER)
        assert await state(db) == before
        assert await way.pending() == []

    async def test_purging_takes_the_ranges_along(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        await look_again_in(db, way.channel.id, {"1"}, NOW)
        repair = await way.only()
        await purge_tenant(db, way.tenant.id, NOW)
        assert [await count_of(db, t) for t in (repairs, messages)] == [0, 0]
        with pytest.raises(LeaseLost):
            await way.save(repair, message(1))
        await look_again(db, {(way.tenant.id, "5", "1")}, NOW)
        await look_again_in(db, way.channel.id, {"1"}, NOW)
        assert await count_of(db, repairs) == 0

    async def test_a_worker_that_lost_its_job_writes_nothing(self, db: Database, way: Way) -> None:
        await way.store(message(1))
        repair = await way.audit()
        before = [await state(db), await rows_of(db, repairs)]
        way.lease = replace(way.lease, attempt=2)
        with pytest.raises(LeaseLost):
            await way.save(repair, message(1, content="new"))
        with pytest.raises(LeaseLost):
            await finish_audit(db, repair.id, platform_count=1, job=way.lease, now=LATER)
        assert [await state(db), await rows_of(db, repairs)] == before

    async def test_a_page_is_stored_whole_or_not_at_all(
        self, db: Database, way: Way, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await way.store(message(1), message(3))
        repair = await way.audit()
        before = [await state(db), await rows_of(db, repairs)]

        async def crash(*_: object) -> None:
            raise RuntimeError("killed between the rows and the commit")

        monkeypatch.setattr("storage.repair_pages.add_look_again", crash)
        with pytest.raises(RuntimeError):
            await way.save(repair, message(1, content="new"), message(2))
        assert [await state(db), await rows_of(db, repairs)] == before


class TestHowItIsFound:
    @pytest.mark.parametrize("name", ["absent", "active"])
    async def test_by_an_index(self, db: Database, way: Way, name: str) -> None:
        absent = select(messages.c.platform_id).where(id_spans.IN_SPAN)
        query, index = {
            "absent": (
                absent,
                {"sqlite": "channel_id=? AND platform_id>? AND platform_id<?", "postgresql": "pk_messages"},
            ),
            "active": (gap_planning._ACTIVE, dict.fromkeys(("sqlite", "postgresql"), "ix_messages_tenant_id_sent_at")),
        }[name]
        values = {"channel": 1, "low": "1", "high": "2", "shortest": 1, "longest": 1, "tenant": "t", "since": NOW}
        assert index[db.dialect] in await plan_of(db, query, values)

    @pytest.mark.parametrize("after", [None, "0", "9", "99", "100", "105", "999", "1000", "123456"])
    @pytest.mark.parametrize("until", ["1", "9", "10", "99", "100", "105", "5000", "123456"])
    async def test_spans_are_ranges_of_numbers(self, db: Database, way: Way, after: str | None, until: str) -> None:
        known = {
            1,
            2,
            9,
            10,
            11,
            19,
            90,
            98,
            99,
            100,
            101,
            104,
            105,
            106,
            500,
            999,
            1000,
            1001,
            5000,
            5001,
            99999,
            123456,
        }
        await run_sql(db, "DELETE FROM messages")
        await way.store(*(message(n) for n in sorted(known)))
        found: list[int] = []
        async with db.reading() as connection:
            for span in id_spans.spans(after, until):
                values = {"channel": way.channel.id, **span.as_values()}
                query = select(messages.c.platform_id).where(id_spans.IN_SPAN)
                found += [int(i) for i in (await connection.execute(query, values)).scalars()]
        assert sorted(found) == [n for n in sorted(known) if int(after or 0) < n <= int(until)]


async def plan_of(db: Database, query: Any, values: dict[str, Any]) -> str:
    """How the database runs a query."""
    async with db.writing() as connection:
        known = {name: values[name] for name in query.compile().params if name in values}
        plain = query.params(known).compile(connection.sync_connection, compile_kwargs={"literal_binds": True})
        if db.dialect == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if db.dialect == "sqlite" else "EXPLAIN"
        return str((await connection.exec_driver_sql(f"{explain} {plain}")).all())
