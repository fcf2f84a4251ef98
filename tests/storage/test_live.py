"""What the platform tells while it is connected changes what is stored, and nothing else."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Select, text

from adapters.records import MessageRecord, SkipReason, TenantRecord
from storage.channels import ChannelState, channel_states, mark_skipped, save_changed_channels, save_channels
from storage.database import Database
from storage.jobs import JobLease
from storage.live import apply_changes
from storage.live import messages as live_messages
from storage.live import reaction_rows as live_reaction_rows
from storage.messages import MessageBatch, save_batch
from storage.messages import rows as message_rows
from storage.privacy import erase_user
from storage.tables import attachments, channels, messages, reaction_totals, reactions, refetch_ranges, sync_progress
from storage.tenants import Tenant, purge_tenant, save_tenant, stop_tenant
from tests.support.builders import HOUR, MINUTE, NOW, attachment, change, channel, message, reaction, thread, total
from tests.support.job_steps import running_job
from tests.support.tables_of import Rows, count_of, only_row, rows_of

LATER = NOW + MINUTE
MUCH_LATER = NOW + HOUR

OF_ARCHIVE = (messages, attachments, reaction_totals, reactions, sync_progress, refetch_ranges, channels)


class Ear:
    """Listens to one channel, ``5``."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def store(self, *records: MessageRecord) -> None:
        batch = MessageBatch(tenant_id=self.tenant.id, channel_id=self.channel.id, messages=records, job=self.lease)
        await save_batch(self.db, batch, NOW)

    async def hear(self, message_id: int, *, now: datetime = LATER, **what: Any) -> None:
        await apply_changes(self.db, [change(self.tenant.id, "5", str(message_id), **what)], now)

    async def rows(self) -> list[Rows]:
        return [await rows_of(self.db, table) for table in OF_ARCHIVE]


@pytest.fixture
def ear(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Ear:
    return Ear(db, tenant, general, lease)


class TestEdits:
    async def test_the_row_and_the_attachments_become_as_told(self, db: Database, ear: Ear) -> None:
        files = (attachment("1"), attachment("2"))
        await ear.store(message(7, attachments=files, reaction_totals=(total("👍", 3),)), message(8))
        edited = message(
            7, content="new", edited_at=NOW, attachments=(attachment("2", filename="dog.png"), attachment("3"))
        )
        before = await rows_of(db, sync_progress)
        await ear.hear(7, edited=edited)
        row, other = await rows_of(db, messages)
        assert (row["content"], row["edited_at"], row["created_at"], row["updated_at"]) == ("new", NOW, NOW, LATER)
        assert other["updated_at"] == NOW
        assert [(f["platform_id"], f["filename"]) for f in await rows_of(db, attachments)] == [
            ("2", "dog.png"),
            ("3", "cat.png"),
        ]
        assert (await only_row(db, reaction_totals))["count"] == 3
        assert await rows_of(db, sync_progress) == before

    async def test_what_it_says_of_reactions_does_not_count(self, db: Database, ear: Ear) -> None:
        await ear.store(message(7, reaction_totals=(total("👍", 3),)))
        await ear.hear(7, edited=message(7, content="new", reaction_totals=(total("👍", 1), total("🎉", 1))))
        assert (await only_row(db, reaction_totals))["count"] == 3
        assert (await only_row(db, messages))["content"] == "new"

    async def test_what_did_not_change_is_not_written(self, ear: Ear) -> None:
        record = message(7, edited_at=NOW, attachments=(attachment("1"),), reply_to_author_hash="c" * 64)
        await ear.store(record)
        before = await ear.rows()
        await ear.hear(7, edited=record)
        await ear.hear(7, edited=replace(record, reply_to_author_hash=None))
        assert await ear.rows() == before

    @pytest.mark.parametrize(
        ("stored", "told", "is_applied"),
        [
            (None, None, True),
            (None, NOW, True),
            (NOW, LATER, True),
            (NOW, NOW, True),
            (LATER, NOW, False),
            (NOW, None, False),
        ],
    )
    async def test_an_edit_that_was_overtaken_is_ignored(
        self, db: Database, ear: Ear, stored: datetime | None, told: datetime | None, is_applied: bool
    ) -> None:
        await ear.store(message(7, edited_at=stored, attachments=(attachment("1"),)))
        await ear.hear(7, edited=message(7, content="told", edited_at=told))
        assert ((await only_row(db, messages))["content"] == "told") is is_applied
        assert await count_of(db, attachments) == (0 if is_applied else 1)

    async def test_text_that_no_database_holds(self, db: Database, ear: Ear) -> None:
        await ear.store(message(7))
        await ear.hear(7, edited=message(7, content="nu\0l \ud800", metadata={"a": "\0"}))
        row = await only_row(db, messages)
        assert (row["content"], row["metadata"]) == ("nul ?", {"a": ""})

    async def test_a_forgotten_person_stays_forgotten(self, db: Database, ear: Ear) -> None:
        redactor_for = "f" * 64
        await ear.store(message(7, author_hash=redactor_for))
        await erase_user(db, redactor_for, tenant_id=ear.tenant.id, now=NOW)
        before = await rows_of(db, messages)
        await ear.hear(7, edited=message(7, author_hash=redactor_for, content="it is me"))
        assert await rows_of(db, messages) == before


class TestDeletions:
    async def test_the_row_stays_and_when_it_was_told_first(self, db: Database, ear: Ear) -> None:
        await ear.store(message(7, attachments=(attachment("1"),)), message(8))
        for now in (LATER, MUCH_LATER):
            await ear.hear(7, is_deleted=True, now=now)
        assert [(m["deleted_at"], m["updated_at"]) for m in await rows_of(db, messages)] == [
            (LATER, LATER),
            (None, NOW),
        ]
        assert await count_of(db, attachments) == 1

    async def test_an_edit_does_not_bring_it_back(self, db: Database, ear: Ear) -> None:
        await ear.store(message(7))
        await ear.hear(7, is_deleted=True, edited=message(7, content="last words"))
        await ear.hear(7, edited=message(7, content="late"))
        row = await only_row(db, messages)
        assert (row["content"], row["deleted_at"]) == ("late", LATER)


class TestTouches:
    async def test_it_is_looked_at_again_once(self, db: Database, ear: Ear) -> None:
        await ear.store(message(1000))
        for now in (LATER, MUCH_LATER):
            await ear.hear(1000, is_invalidated=True, now=now)
        row = await only_row(db, refetch_ranges)
        assert (
            row["channel_id"],
            row["kind"],
            row["after_platform_id"],
            row["until_platform_id"],
            row["updated_at"],
        ) == (
            ear.channel.id,
            "refetch",
            "999",
            "1000",
            LATER,
        )


class TestWhatIsLeftAlone:
    async def test_what_is_not_stored(self, ear: Ear) -> None:
        await ear.store(message(7))
        before = await ear.rows()
        everything: dict[str, Any] = {
            "edited": message(8, content="new", attachments=(attachment("1"),)),
            "is_deleted": True,
            "is_invalidated": True,
            "is_cleared": True,
            "cleared": {"👍"},
            "reactions": [reaction("a")],
        }
        await ear.hear(8, **everything)
        elsewhere = [change(ear.tenant.id, "404", "7", **everything), change("discord-404", "5", "7", **everything)]
        await apply_changes(ear.db, elsewhere, LATER)
        await apply_changes(ear.db, [], LATER)
        assert await ear.rows() == before

    async def test_what_is_in_a_channel_that_is_not_archived(self, db: Database, ear: Ear) -> None:
        await ear.store(message(7))
        await mark_skipped(db, ear.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        before = await ear.rows()
        await ear.hear(7, edited=message(7, content="new"), is_deleted=True, reactions=[reaction("a")])
        assert await ear.rows() == before

    async def test_what_is_of_a_stopped_tenant(self, db: Database, ear: Ear) -> None:
        await ear.store(message(7))
        await stop_tenant(db, ear.tenant.id, NOW)
        before = await ear.rows()
        await ear.hear(7, edited=message(7, content="new"), is_deleted=True, reactions=[reaction("a")])
        await save_changed_channels(db, ear.tenant.id, [channel("5", name="new"), channel("6")], LATER)
        assert await ear.rows() == before

    async def test_a_message_has_one_change(self, ear: Ear) -> None:
        await ear.store(message(7))
        one = change(ear.tenant.id, "5", "7", is_deleted=True)
        with pytest.raises(ValueError, match="one change"):
            await apply_changes(ear.db, [one, one], LATER)


async def test_all_is_written_or_nothing(db: Database, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    await ear.store(message(7))
    before = await ear.rows()

    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("killed in the middle")

    monkeypatch.setattr("storage.live.apply.apply_reactions", crash)
    with pytest.raises(RuntimeError):
        await ear.hear(7, edited=message(7, content="new"), is_deleted=True, reactions=[reaction("a")])
    assert await ear.rows() == before


async def test_many_changes_of_many_places_at_once(db: Database, ear: Ear) -> None:
    """Messages of the same ids in several channels of two tenants: each change finds its own."""
    other, _ = await save_tenant(db, "discord", TenantRecord(platform_id="7", name=None), connected=True, now=NOW)
    lease = {ear.tenant.id: ear.lease, other.id: await running_job(db, other.id)}
    for tenant_id, job in lease.items():
        await save_channels(db, tenant_id, [channel("5"), channel("6"), thread("9", "5")], NOW)
        for state in await channel_states(db, tenant_id):
            records = [message(n, attachments=(attachment("1"),)) for n in range(90, 111)]
            batch = MessageBatch(tenant_id=tenant_id, channel_id=state.id, messages=records, job=job)
            await save_batch(db, batch, NOW)
    places = [(t, c, n) for t in lease for c in ("5", "6", "9") for n in range(95, 106)]
    changes = [
        change(
            *(t, c, str(n)),
            edited=message(n, content=f"{t} {c} {n}", attachments=(attachment("1"),) if n % 3 else ()),
            is_deleted=n % 2 == 0,
            is_invalidated=n % 5 == 0,
            reactions=[reaction(t), reaction(c, burst=True)],
        )
        for t, c, n in places
    ]
    await apply_changes(db, changes[::-1], LATER)
    ids = {s.id: (t, s.platform_id) for t in lease for s in await channel_states(db, t)}
    rows = await rows_of(db, messages)
    assert {m["content"] for m in rows if m["updated_at"] == LATER} == {f"{t} {c} {n}" for t, c, n in places}
    assert all(
        m["content"] == f"{' '.join(ids[m['channel_id']])} {m['platform_id']}" for m in rows if m["updated_at"] == LATER
    )
    assert sum(m["deleted_at"] is not None for m in rows) == 6 * 5
    assert await count_of(db, attachments) == 6 * (21 - 4)
    assert {(ids[r["channel_id"]], r["until_platform_id"]) for r in await rows_of(db, refetch_ranges)} == {
        ((t, c), str(n)) for t, c, n in places if n % 5 == 0
    }
    assert {
        (*ids[r["channel_id"]], int(r["message_platform_id"]), r["user_hash"]) for r in await rows_of(db, reactions)
    } == {(t, c, n, user) for t, c, n in places for user in (t, c)}
    assert {(t["burst"], t["count"]) for t in await rows_of(db, reaction_totals)} == {(False, 1), (True, 1)}


class TestChannels:
    async def test_a_channel_and_its_threads_become_as_told(self, db: Database, ear: Ear) -> None:
        await save_channels(db, ear.tenant.id, [channel("5"), thread("9", "5")], NOW)
        hidden = channel("5", name="hidden", skip_reason=SkipReason.NOT_PUBLIC)
        await save_changed_channels(db, ear.tenant.id, [hidden, thread("10", "5")], LATER)
        states = await channel_states(db, ear.tenant.id)
        assert [(s.platform_id, s.name, s.skip_reason) for s in states] == [
            ("5", "hidden", SkipReason.NOT_PUBLIC),
            ("9", "channel 9", SkipReason.NOT_PUBLIC),
            ("10", "channel 10", SkipReason.NOT_PUBLIC),
        ]

    async def test_nothing_of_a_tenant_that_is_not_stored_or_purged(self, db: Database, tenant: Tenant) -> None:
        await save_changed_channels(db, "discord-404", [channel("5")], LATER)
        await purge_tenant(db, tenant.id, NOW)
        await save_changed_channels(db, tenant.id, [channel("5")], LATER)
        assert await count_of(db, channels) == 0


@pytest.mark.parametrize(
    "statement",
    [
        live_messages._STORED_MESSAGES,
        message_rows._MARK_DELETED,
        message_rows._MAY_BE_STORED,
        live_reaction_rows._FIND_TOTALS,
        live_reaction_rows._FIND_USERS,
        live_reaction_rows._CLEAR,
        live_reaction_rows._DELETE_TOTALS,
        live_reaction_rows._DELETE_USERS,
        message_rows._DELETE_ATTACHMENTS,
        message_rows._DELETE_TOTALS,
    ],
)
async def test_rows_are_found_by_their_keys(db: Database, statement: Select[Any]) -> None:
    """However large the archive is, a change costs the same."""
    async with db.writing() as connection:
        if db.dialect == "postgresql":
            await connection.execute(text("SET LOCAL enable_seqscan = off"))  # the tables are empty
        compiled = statement.compile(dialect=connection.dialect)
        values: dict[str, Any] = dict.fromkeys(compiled.params, "[]")
        values |= {"now": str(NOW) if db.dialect == "sqlite" else NOW}
        bound: Any = tuple(values[name] for name in compiled.positiontup) if compiled.positiontup else values
        explain = "EXPLAIN QUERY PLAN" if db.dialect == "sqlite" else "EXPLAIN"
        plan = str((await connection.exec_driver_sql(f"{explain} {compiled}", bound)).all())
    for table in ("messages", "attachments", "reaction_totals", "reactions"):
        assert f"SCAN {table}" not in plan
        assert f"Seq Scan on {table}" not in plan
