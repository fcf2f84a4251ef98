"""Changes of a live connection: what they leave alone, all or nothing, many at once, and what one costs."""

from typing import Any

import pytest
from sqlalchemy import Select, text

from adapters.records import SkipReason, TenantRecord
from storage.channels import channel_states, mark_skipped, save_changed_channels, save_channels
from storage.database import Database
from storage.live import apply_changes
from storage.live import messages as live_messages
from storage.live import reaction_rows as live_reaction_rows
from storage.messages import MessageBatch, save_batch
from storage.messages import deletion as message_deletion
from storage.messages import rows as message_rows
from storage.reactions import keys as reaction_keys
from storage.reactions import users as reaction_users
from storage.tables import attachments, channels, messages, reaction_totals, reactions, refetch_ranges
from storage.tenants import Tenant, purge_tenant, save_tenant, stop_tenant
from tests.support.builders import NOW, attachment, change, channel, message, reaction, thread
from tests.support.faults import Killed, killed_before
from tests.support.job_steps import running_job
from tests.support.live_steps import LATER, LiveChannel
from tests.support.tables_of import count_of, rows_of


class TestWhatIsLeftAlone:
    async def test_what_is_not_stored(self, live: LiveChannel) -> None:
        await live.store(message(7))
        before = await live.rows()
        everything: dict[str, Any] = {
            "edited": message(8, content="new", attachments=(attachment("1"),)),
            "is_deleted": True,
            "is_invalidated": True,
            "is_cleared": True,
            "cleared": {"👍"},
            "reactions": [reaction("a")],
        }
        await live.apply(8, **everything)
        elsewhere = [change(live.tenant.id, "404", "7", **everything), change("discord-404", "5", "7", **everything)]
        await apply_changes(live.db, elsewhere, LATER)
        await apply_changes(live.db, [], LATER)
        assert await live.rows() == before

    async def test_what_is_in_a_channel_that_is_not_archived(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(7))
        await mark_skipped(db, live.tenant.id, ["5"], SkipReason.NOT_PUBLIC, NOW)
        before = await live.rows()
        await live.apply(7, edited=message(7, content="new"), is_deleted=True, reactions=[reaction("a")])
        assert await live.rows() == before

    async def test_what_is_of_a_stopped_tenant(self, db: Database, live: LiveChannel) -> None:
        await live.store(message(7))
        await stop_tenant(db, live.tenant.id, NOW)
        before = await live.rows()
        await live.apply(7, edited=message(7, content="new"), is_deleted=True, reactions=[reaction("a")])
        await save_changed_channels(db, live.tenant.id, [channel("5", name="new"), channel("6")], LATER)
        assert await live.rows() == before

    async def test_a_message_has_one_change(self, live: LiveChannel) -> None:
        await live.store(message(7))
        one = change(live.tenant.id, "5", "7", is_deleted=True)
        with pytest.raises(ValueError, match="one change"):
            await apply_changes(live.db, [one, one], LATER)


async def test_all_is_written_or_nothing(db: Database, live: LiveChannel) -> None:
    await live.store(message(7))
    before = await live.rows()
    with killed_before(db, "INSERT INTO reaction_totals"), pytest.raises(Killed):
        await live.apply(7, edited=message(7, content="new"), is_deleted=True, reactions=[reaction("a")])
    assert await live.rows() == before


@pytest.mark.slow
async def test_many_changes_of_many_places_at_once(db: Database, live: LiveChannel) -> None:
    """Messages of the same ids in several channels of two tenants: each change finds its own."""
    other, _ = await save_tenant(db, "discord", TenantRecord(platform_id="7", name=None), connected=True, now=NOW)
    lease = {live.tenant.id: live.lease, other.id: await running_job(db, other.id)}
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
    async def test_a_channel_and_its_threads_follow_the_platform(self, db: Database, live: LiveChannel) -> None:
        await save_channels(db, live.tenant.id, [channel("5"), thread("9", "5")], NOW)
        hidden = channel("5", name="hidden", skip_reason=SkipReason.NOT_PUBLIC)
        await save_changed_channels(db, live.tenant.id, [hidden, thread("10", "5")], LATER)
        assert sorted((r["platform_id"], r["name"], r["skip_reason"]) for r in await rows_of(db, channels)) == [
            ("10", "channel 10", "not_public"),
            ("5", "hidden", "not_public"),
            ("9", "channel 9", "not_public"),
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
        message_deletion._MARK_DELETED,
        message_rows._MAY_BE_STORED,
        live_reaction_rows._FIND_USERS,
        live_reaction_rows._CLEAR,
        reaction_keys._DELETE_TOTALS,
        reaction_keys._DELETE_USERS,
        reaction_keys._LOCK_TOTALS,
        reaction_users._SETTLE,
        reaction_users._STORED,
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
