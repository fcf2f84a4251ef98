"""Erasure holds: on each way by which the platform's records reach the archive."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from adapters.records import SkipReason
from storage.channels import differing, save_changed_channels, save_channels, save_threads
from storage.database import Database, open_database
from storage.live import MessageChange, ReactionState, apply_changes
from storage.messages import MessageBatch, save_batch
from storage.privacy import Erased, fulfil_opt_out, list_opt_outs, list_requests, opt_out
from storage.reactions import pending_lists
from storage.repair import PageOutcome
from storage.tables import attachments, channels, messages, metadata, reaction_totals, reactions
from tests.support.builders import HOUR, NOW, SHA, attachment, both_totals, channel, message, thread, total
from tests.support.erasure_steps import (
    OTHER,
    WHO,
    channel_ref_of,
    erase,
    fill,
    give,
    holdings,
    is_anywhere,
    naming,
)
from tests.support.patience import PATIENCE_SECONDS
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import rows_of, run_sql


class TestItHolds:
    """Each road by which a platform's word reaches the archive."""

    @pytest.fixture(params=["one", "all"])
    async def kept(self, request: pytest.FixtureRequest, db: Database, way: Way) -> Way:
        """An archive in which a person is erased of whom everything was stored."""
        await fill(way, WHO)
        await erase(db, way.tenant.id if request.param == "one" else None)
        return way

    async def held(self, way: Way, road: Callable[[], Awaitable[object]]) -> None:
        await road()
        assert not await is_anywhere(way.db, WHO)

    @pytest.mark.slow
    async def test_a_batch(self, db: Database, kept: Way) -> None:
        before = [await rows_of(db, table) for table in (messages, attachments, reaction_totals)]
        await kept.store(*naming(WHO))
        assert [await rows_of(db, table) for table in (messages, attachments, reaction_totals)] == before
        new = [replace(m, platform_id=f"10{m.platform_id}") for m in naming(WHO)]
        await self.held(kept, lambda: kept.store(*new))
        rows = {row["platform_id"]: row for row in await rows_of(db, messages)}
        names = ("author_hash", "content", "metadata", "edited_at", "reply_to_author_hash")
        for number in range(1, 7):
            assert [rows[f"10{number}"][n] for n in names] == [rows[str(number)][n] for n in names]
        assert [a["message_platform_id"] for a in await rows_of(db, attachments)] == ["105", "5"]

    @pytest.mark.slow
    async def test_a_nul_does_not_hide_a_name(self, db: Database, kept: Way) -> None:
        broken = f"{WHO[:9]}\0{WHO[9:]}"
        record = message(7, content=broken, metadata={"n": broken}, attachments=(attachment("1", filename=broken),))
        await self.held(kept, lambda: kept.store(record))
        room = channel("8", name=broken, metadata={"n": broken})
        await self.held(kept, lambda: save_channels(db, kept.tenant.id, [room], LATER))

    @pytest.mark.slow
    async def test_a_repair(self, db: Database, kept: Way) -> None:
        before = [await rows_of(db, table) for table in (messages, attachments, reaction_totals)]
        repair = await kept.audit()
        assert await kept.save(repair, *naming(WHO)) == PageOutcome(seen=6)
        assert [await rows_of(db, table) for table in (messages, attachments, reaction_totals)] == before
        await run_sql(db, "DELETE FROM messages")
        again = await kept.save(repair, *naming(WHO))
        assert again.missing == 6
        assert not await is_anywhere(db, WHO)

    @pytest.mark.slow
    async def test_channels_and_threads(self, db: Database, kept: Way) -> None:
        before = await rows_of(db, channels)
        await save_channels(db, kept.tenant.id, channel_ref_of(WHO), LATER)
        await save_changed_channels(db, kept.tenant.id, channel_ref_of(WHO), LATER)
        assert await rows_of(db, channels) == before
        new = thread("7", "5", name=WHO, metadata={"owner_hash": WHO})
        await self.held(kept, lambda: save_threads(db, kept.tenant.id, "5", [new], {}, LATER))
        newer = replace(new, platform_id="8")
        await self.held(kept, lambda: save_changed_channels(db, kept.tenant.id, [newer], LATER))

    @pytest.mark.slow
    async def test_reactions_without_being_fetched_again(self, db: Database, kept: Way) -> None:
        assert await pending_lists(db, kept.tenant.id) == 0
        await kept.store(*naming(WHO))
        assert await pending_lists(db, kept.tenant.id) == 0
        more = message(3, content="more", reaction_totals=(*both_totals("🎉", 2, 1), total("👍", 1)))
        await kept.store(more)
        assert await pending_lists(db, kept.tenant.id) == 2
        await self.held(kept, lambda: give(kept, WHO, OTHER))
        assert await pending_lists(db, kept.tenant.id) == 0
        await kept.store(more)
        assert await pending_lists(db, kept.tenant.id) == 0
        assert {row["user_hash"] for row in await rows_of(db, reactions)} == {OTHER}

    @pytest.mark.slow
    async def test_events(self, db: Database, kept: Way) -> None:
        edited = {m.platform_id: replace(m, edited_at=LATER) for m in naming(WHO)}
        given = [
            ReactionState(emoji_key=key, emoji=key, user_hash=WHO, burst=burst, is_given=is_given)
            for key, burst, is_given in (("👍", False, True), ("🎉", True, False), ("new", False, True))
        ]
        changes = [
            MessageChange(
                tenant_id=kept.tenant.id,
                channel_platform_id="5",
                message_platform_id=message_id,
                edited=record,
                reactions={(s.emoji_key, s.burst, s.user_hash): s for s in given},
            )
            for message_id, record in edited.items()
        ]
        await self.held(kept, lambda: apply_changes(db, changes, LATER))
        await self.held(kept, lambda: give(kept, WHO, OTHER))
        assert await pending_lists(db, kept.tenant.id) == 0

    @pytest.mark.parametrize("kind", ["erasure", "opt-out"])
    @pytest.mark.slow
    async def test_a_request_waits_for_a_batch_that_does_not_know_of_it_and_no_batch_for_it(
        self, db: Database, database_url: str, way: Way, kind: str
    ) -> None:
        if db.dialect == "sqlite":
            return  # there is one writer
        other = await open_database(database_url, hash_choice=SHA)
        await save_channels(db, way.tenant.id, [channel("50")], NOW)
        batch = MessageBatch(
            tenant_id=way.tenant.id, channel_id=way.channel.id, messages=[message(1, author_hash=WHO)], job=way.lease
        )
        async with other.writing() as connection:  # the batch has read the requests, and waits for its job's row
            await connection.execute(text("SELECT id FROM sync_jobs FOR UPDATE"))
            saving = asyncio.create_task(save_batch(db, batch, NOW))
            await _until_waiting(other, 1)
            request = asyncio.create_task(erase(db, None) if kind == "erasure" else _opted_out(db))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (await list_requests(other) or await list_opt_outs(other)):  # noqa: ASYNC110 # nothing tells
                    await asyncio.sleep(0.01)
            await save_channels(db, way.tenant.id, [channel("50", name=f"for {WHO}")], LATER)
            assert not request.done()
        await saving
        assert await request == Erased(messages=1)
        assert WHO not in str(await holdings(db, "erased_users", "opt_outs"))
        await other.close()

    @pytest.mark.slow
    async def test_a_backup_holds_up_neither_an_erasure_request_nor_a_batch(
        self, db: Database, database_url: str, way: Way
    ) -> None:
        if db.dialect == "sqlite":
            return  # test_leftovers.py
        await fill(way, WHO)
        other = await open_database(database_url, hash_choice=SHA)
        async with other.writing() as connection:  # as pg_dump does
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            for table in metadata.sorted_tables:
                await connection.execute(text(f"LOCK TABLE {table.name} IN ACCESS SHARE MODE"))
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await erase(db, None)).messages == 1
                await way.store(message(9, author_hash=WHO))
        assert not await is_anywhere(db, WHO)
        await other.close()


async def _opted_out(db: Database) -> Erased:
    asked = await opt_out(db, WHO, tenant_id=None, now=NOW - HOUR)
    return (await fulfil_opt_out(db, asked, clock=lambda: LATER)).removed


_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def _until_waiting(db: Database, number: int) -> None:
    """Wait until so many connections of a PostgreSQL database wait for a lock."""
    async with asyncio.timeout(PATIENCE_SECONDS), db.reading() as connection:
        while (await connection.execute(_WAITING)).scalar_one() < number:  # noqa: ASYNC110 # nothing tells of it
            await asyncio.sleep(0.01)


async def test_a_listing_that_names_an_erased_person_is_not_otherwise_than_stored(db: Database, way: Way) -> None:
    opened = thread("6", "5", name="a title", metadata={"owner_hash": WHO})
    begun = thread("7", "5", name="another", metadata={"owner_hash": OTHER})
    listing = [channel("5", name=f"room of <@{WHO}>"), opened, begun]
    await save_channels(db, way.tenant.id, listing, NOW)
    await way.store(message(7, author_hash=WHO))
    await erase(db, way.tenant.id)
    assert await differing(db, way.tenant.id, listing) == []
    changed = replace(begun, skip_reason=SkipReason.NOT_PUBLIC)
    found = await differing(db, way.tenant.id, [*listing[:2], changed])
    assert [record.platform_id for record in found] == ["7"]
