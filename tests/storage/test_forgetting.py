"""Forgetting a person: nothing of them is left, nothing comes back by any road, and nothing else changes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from adapters.records import ChannelRecord, MessageRecord
from storage.channels import ChannelState, channel_states, save_changed_channels, save_channels, save_threads
from storage.database import Database, open_database
from storage.jobs import JobLease
from storage.live import MessageChange, ReactionState, apply_changes
from storage.messages import MessageBatch, save_batch
from storage.privacy import Erased, Redactor, erase_user
from storage.reactions import pending_lists, pending_totals, save_users
from storage.repair import PageOutcome
from storage.tables import attachments, channels, erased_users, messages, metadata, reaction_totals, reactions
from storage.tenants import Tenant
from tests.storage.conftest import SHA, running_job
from tests.support.builders import NOW, attachment, both_totals, channel, message, thread, total
from tests.support.examples import examples
from tests.support.faults import Killed, killed_before
from tests.support.job_steps import new_tenant
from tests.support.patience import PATIENCE_SECONDS
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, only_row, rows_of, run_sql

WHO, OTHER = "0123456789abcdef" * 4, "f" * 64


@pytest.fixture
def way(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Way:
    return Way(db, tenant, general, lease)


def naming(who: str) -> list[MessageRecord]:
    """A person's message, answers to it, and messages that name them in every place there is."""
    theirs = message(
        1,
        author_hash=who,
        content=f"I am <@{who}>",
        edited_at=NOW,
        reply_to_channel_platform_id="5",
        reply_to_message_platform_id="0",
        reply_to_author_hash=OTHER,
        metadata={"mentions": [who, OTHER]},
        attachments=(attachment("11"), attachment("12")),
        reaction_totals=(total("👍", 2),),
    )
    answer = message(2, reply_to_channel_platform_id="5", reply_to_message_platform_id="1", reply_to_author_hash=who)
    text = message(
        3, content=f"<@{who}>, <@{OTHER}>, user:{who} and abc{who}def", reaction_totals=(total("🎉", burst=True),)
    )
    hidden = message(4, metadata={"interaction": {"user_hash": who, "n": 1}, "mentions": [OTHER, who]})
    file = attachment("51", filename=f"of-{who}.png", metadata={"by": who, "width": 1})
    return [theirs, answer, text, hidden, message(5, attachments=(file,)), message(6, content=f"about <@{OTHER}>")]


def channel_ref_of(who: str) -> list[ChannelRecord]:
    return [
        channel("5", name=f"room of <@{who}>"),
        thread("6", "5", name=None, metadata={"owner_hash": who, "message_count": 1}),
    ]


async def give(way: Way, *users: str) -> None:
    """Everything that is pending was given by the first of these."""
    for each in await pending_totals(way.db, way.channel.id, None, 100):
        givers = users[: each.expected]
        await save_users(way.db, each, user_hashes=givers, job=way.lease, now=NOW)


async def fill(way: Way, who: str) -> None:
    await save_channels(way.db, way.tenant.id, channel_ref_of(who), NOW)
    await way.store(*naming(who))
    await give(way, who, OTHER)


async def holdings(db: Database, *without: str) -> dict[str, list[dict[str, Any]]]:
    """Everything that is stored."""
    return {t.name: await rows_of(db, t) for t in metadata.sorted_tables if t.name not in without}


async def is_anywhere(db: Database, who: str) -> bool:
    """But for the wish itself."""
    return who in str(await holdings(db, "erased_users"))


async def forget(db: Database, tenant_id: str | None) -> Erased:
    return await erase_user(db, WHO, tenant_id=tenant_id, now=LATER)


class TestForgetting:
    async def test_nothing_is_left_but_empty_places(self, db: Database, way: Way) -> None:
        await fill(way, WHO)
        untouched = {row["platform_id"]: row for row in await rows_of(db, messages)}["6"]
        totals = await rows_of(db, reaction_totals)
        assert await forget(db, way.tenant.id) == Erased(messages=1, attachments=2, reactions=2, mentions=6)
        assert not await is_anywhere(db, WHO)
        first, second, third, fourth, _, sixth = await rows_of(db, messages)
        assert {name: first[name] for name in ("author_hash", "content", "edited_at", "metadata")} == {
            "author_hash": None,
            "content": "",
            "edited_at": None,
            "metadata": {"forgotten": True},
        }
        assert (first["sent_at"], first["type"], first["created_at"]) == (message(1).sent_at, "default", NOW)
        assert [
            first[f"reply_to_{name}"] for name in ("channel_platform_id", "message_platform_id", "author_hash")
        ] == ["5", "0", None]
        assert [
            second[f"reply_to_{name}"] for name in ("channel_platform_id", "message_platform_id", "author_hash")
        ] == ["5", "1", None]
        assert third["content"] == f"<@forgotten>, <@{OTHER}>, user:forgotten and abcforgottendef"
        assert fourth["metadata"] == {
            "interaction": {"user_hash": "forgotten", "n": 1},
            "mentions": [OTHER, "forgotten"],
        }
        assert sixth == untouched
        file = await only_row(db, attachments)
        assert (file["message_platform_id"], file["filename"], file["metadata"]) == (
            "5",
            "of-forgotten.png",
            {"by": "forgotten", "width": 1},
        )
        assert [row["user_hash"] for row in await rows_of(db, reactions)] == [OTHER]
        assert await rows_of(db, reaction_totals) == totals
        room, talk = await rows_of(db, channels)
        assert (room["name"], talk["metadata"]["owner_hash"]) == ("room of <@forgotten>", "forgotten")
        wish = await only_row(db, erased_users)
        assert (wish["tenant_id"], wish["user_hash"], wish["erased_at"]) == (way.tenant.id, WHO, LATER)

    async def test_asking_again_changes_nothing(self, db: Database, way: Way) -> None:
        await fill(way, WHO)
        await forget(db, way.tenant.id)
        before = await holdings(db)
        assert await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER + (LATER - NOW)) == Erased()
        assert await holdings(db) == before

    @pytest.mark.parametrize("everywhere", [False, True])
    async def test_in_one_tenant_or_in_all(self, db: Database, way: Way, everywhere: bool) -> None:
        await fill(way, WHO)
        other = await another(way)
        await fill(other, WHO)
        found = await forget(db, None if everywhere else other.tenant.id)
        times = 2 if everywhere else 1
        assert found == Erased(messages=times, attachments=2 * times, reactions=2 * times, mentions=6 * times)
        held = {table: [WHO in str(row) for row in rows] for table, rows in (await holdings(db)).items()}
        assert any(held["messages"]) is any(held["reactions"]) is any(held["channels"]) is not everywhere
        assert [row["tenant_id"] for row in await rows_of(db, erased_users)] == ["" if everywhere else other.tenant.id]
        late = await another(way, "300")
        await fill(late, WHO)
        assert (WHO in str([row for row in await rows_of(db, messages) if row["tenant_id"] == late.tenant.id])) is (
            not everywhere
        )

    async def test_broken_off_anywhere_it_holds_already_and_goes_on(self, db: Database, way: Way) -> None:
        await fill(way, WHO)
        for step in (
            "DELETE FROM attachments",
            "DELETE FROM reactions",
            "UPDATE channels",
            "UPDATE messages SET content",
            "UPDATE attachments",
        ):
            with killed_before(db, step), pytest.raises(Killed):
                await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER, window=2)
            await way.store(message(9, author_hash=WHO, content=WHO))
            assert WHO not in str((await rows_of(db, messages))[-1])
        await forget(db, way.tenant.id)
        assert not await is_anywhere(db, WHO)

    async def test_of_many_messages_none_is_left_out(self, db: Database, way: Way) -> None:
        records = [message(n, author_hash=WHO if n % 2 else OTHER, content=f"<@{WHO}>") for n in range(1, 5001)]
        same_time = [replace(m, sent_at=NOW) for m in records[:300]]
        await way.store(*same_time, *records[300:])
        found = await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER, window=100)
        assert found == Erased(messages=2500, mentions=2500)
        assert not await is_anywhere(db, WHO)

    @pytest.mark.parametrize("wrong", ["", "1", WHO[1:], WHO.upper(), WHO + "0", f" {WHO}", "forgotten", "%"])
    async def test_what_is_no_hash_is_refused(self, db: Database, wrong: str) -> None:
        with pytest.raises(ValueError):
            await erase_user(db, wrong, tenant_id=None, now=NOW)
        assert await count_of(db, erased_users) == 0


async def another(way: Way, platform_id: str = "200") -> Way:
    """Another tenant's."""
    tenant_id = await new_tenant(way.db, platform_id)
    lease = await running_job(way.db, tenant_id)
    await save_channels(way.db, tenant_id, [channel("5")], NOW)
    (state,) = await channel_states(way.db, tenant_id)
    return Way(way.db, replace(way.tenant, id=tenant_id), state, lease)


class TestItHolds:
    """Each road by which a platform's word reaches the archive."""

    @pytest.fixture(params=["one", "all"])
    async def kept(self, request: pytest.FixtureRequest, db: Database, way: Way) -> Way:
        """An archive in which somebody is forgotten, of whom everything was stored."""
        await fill(way, WHO)
        await forget(db, way.tenant.id if request.param == "one" else None)
        return way

    async def held(self, way: Way, road: Callable[[], Awaitable[object]]) -> None:
        await road()
        assert not await is_anywhere(way.db, WHO)

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

    async def test_a_nul_does_not_hide_a_name(self, db: Database, kept: Way) -> None:
        broken = f"{WHO[:9]}\0{WHO[9:]}"
        told = message(7, content=broken, metadata={"n": broken}, attachments=(attachment("1", filename=broken),))
        await self.held(kept, lambda: kept.store(told))
        room = channel("8", name=broken, metadata={"n": broken})
        await self.held(kept, lambda: save_channels(db, kept.tenant.id, [room], LATER))

    async def test_a_repair(self, db: Database, kept: Way) -> None:
        before = [await rows_of(db, table) for table in (messages, attachments, reaction_totals)]
        repair = await kept.audit()
        assert await kept.save(repair, *naming(WHO)) == PageOutcome(seen=6)
        assert [await rows_of(db, table) for table in (messages, attachments, reaction_totals)] == before
        await run_sql(db, "DELETE FROM messages")
        again = await kept.save(repair, *naming(WHO))
        assert again.missing == 6
        assert not await is_anywhere(db, WHO)

    async def test_channels_and_threads(self, db: Database, kept: Way) -> None:
        before = await rows_of(db, channels)
        await save_channels(db, kept.tenant.id, channel_ref_of(WHO), LATER)
        await save_changed_channels(db, kept.tenant.id, channel_ref_of(WHO), LATER)
        assert await rows_of(db, channels) == before
        new = thread("7", "5", name=WHO, metadata={"owner_hash": WHO})
        await self.held(kept, lambda: save_threads(db, kept.tenant.id, "5", [new], {}, LATER))
        newer = replace(new, platform_id="8")
        await self.held(kept, lambda: save_changed_channels(db, kept.tenant.id, [newer], LATER))

    async def test_reactions_without_being_asked_for_again(self, db: Database, kept: Way) -> None:
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

    async def test_what_is_told_while_connected(self, db: Database, kept: Way) -> None:
        edited = {m.platform_id: replace(m, edited_at=LATER) for m in naming(WHO)}
        given = [
            ReactionState(emoji_key=key, emoji=key, user_hash=WHO, burst=burst, is_given=is_given)
            for key, burst, is_given in (("👍", False, True), ("🎉", True, False), ("new", False, True))
        ]
        changes = [
            MessageChange(
                tenant_id=kept.tenant.id,
                channel_id="5",
                message_id=message_id,
                edited=record,
                is_deleted=False,
                is_invalidated=False,
                is_cleared=False,
                cleared=frozenset(),
                reactions=tuple(given),
            )
            for message_id, record in edited.items()
        ]
        await self.held(kept, lambda: apply_changes(db, changes, LATER))
        await self.held(kept, lambda: give(kept, WHO, OTHER))
        assert await pending_lists(db, kept.tenant.id) == 0

    async def test_a_wish_waits_for_a_batch_that_does_not_know_of_it(
        self, db: Database, database_url: str, way: Way
    ) -> None:
        if db.dialect == "sqlite":
            return  # there is one writer
        other = await open_database(database_url, hash_choice=SHA)
        batch = MessageBatch(
            tenant_id=way.tenant.id, channel_id=way.channel.id, messages=[message(1, author_hash=WHO)], job=way.lease
        )
        async with other.writing() as connection:  # the batch has read the wishes, and waits for its job's row
            await connection.execute(text("SELECT id FROM sync_jobs FOR UPDATE"))
            saving = asyncio.create_task(save_batch(db, batch, NOW))
            await _until_waiting(other, 1)
            wish = asyncio.create_task(forget(db, None))
            await _until_waiting(other, 2)
        await saving
        assert await wish == Erased(messages=1)
        assert not await is_anywhere(db, WHO)
        await other.close()


_WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def _until_waiting(db: Database, number: int) -> None:
    """Wait until so many connections of a PostgreSQL database wait for a lock."""
    async with asyncio.timeout(PATIENCE_SECONDS), db.reading() as connection:
        while (await connection.execute(_WAITING)).scalar_one() < number:  # noqa: ASYNC110 # nothing tells of it
            await asyncio.sleep(0.01)


class TestForgetter:
    def test_without_a_wish_nothing_is_looked_at(self) -> None:
        assert not Redactor()
        assert not Redactor().is_erased(WHO)
        assert Redactor(frozenset([WHO])).is_erased(WHO)
        assert not Redactor(frozenset([WHO])).is_erased(None)

    def test_what_names_nobody_is_the_same_object(self) -> None:
        redactor = Redactor(frozenset([WHO]))
        record, place = naming(OTHER)[2], channel_ref_of(OTHER)[0]
        assert redactor.message(record) is record
        assert redactor.channel(place) is place

    @settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        texts=st.lists(st.sampled_from([WHO, OTHER, "a" * 64, "x", "f", "0", "<@", " "]), max_size=12).map("".join),
        erased=st.sets(st.sampled_from([WHO, OTHER, "a" * 64]), min_size=1),
    )
    def test_no_hash_is_left_in_any_text(self, texts: str, erased: set[str]) -> None:
        redactor = Redactor(frozenset(erased))
        record = message(1, author_hash="9" * 64, content=texts, metadata={texts: [texts, {"n": 1.5, "deep": texts}]})
        kept = redactor.message(record)
        assert not [known for known in erased if known in str(kept)]
        assert (kept is record) is not any(known in texts for known in erased)
        place = channel("1", name=texts, metadata={"topic": texts})
        assert not [known for known in erased if known in str(redactor.channel(place))]
