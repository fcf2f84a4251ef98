"""Messages: a batch and its checkpoint are one transaction, storing again brings rows up to date and no more."""

from dataclasses import replace

import pytest

from adapters.records import AuthorKind
from storage.channels import ProgressState, channel_states
from storage.database import Database
from storage.errors import StorageError
from storage.jobs import JobLease
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.tables import attachments, messages, reaction_totals, reactions, sync_progress
from storage.tenants import Tenant
from tests.support.builders import HOUR, NOW, attachment, both_totals, message, total
from tests.support.faults import Killed, killed_before
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, only_row, rows_of, run_sql


async def test_every_field_is_stored(db: Database, way: Way) -> None:
    record = message(
        7,
        author_kind=AuthorKind.WEBHOOK,
        content="Grüße 👋🏽\u2028\x01 'quoted' \"twice\" \\ %s :name",
        type="reply",
        edited_at=NOW,
        reply_to_channel_platform_id="5",
        reply_to_message_platform_id="6",
        reply_to_author_hash="b" * 64,
        metadata={"flags": 4, "embeds": [{"title": None, "nested": {"deep": [1, 2.5, True]}}], "poll": {}},
        attachments=(attachment("71"), attachment("72", size_bytes=None, content_type=None, url_expires_at=None)),
        reaction_totals=(*both_totals("👍", 2, 1), total("987654321")),
    )
    await way.store(record)
    assert await only_row(db, messages) == {
        "id": 1,
        "channel_id": way.channel.id,
        "platform_id": "7",
        "tenant_id": way.tenant.id,
        "author_hash": record.author_hash,
        "author_kind": "webhook",
        "content": record.content,
        "type": "reply",
        "sent_at": record.sent_at,
        "edited_at": NOW,
        "deleted_at": None,
        "reply_to_channel_platform_id": "5",
        "reply_to_message_platform_id": "6",
        "reply_to_author_hash": "b" * 64,
        "metadata": record.metadata,
        "created_at": NOW,
        "updated_at": NOW,
    }
    files = await rows_of(db, attachments)
    assert [(f["message_platform_id"], f["platform_id"], f["size_bytes"]) for f in files] == [
        ("7", "71", 12_345),
        ("7", "72", None),
    ]
    assert files[0]["url_expires_at"] == NOW + HOUR
    assert files[0]["metadata"] == {"width": 640}
    totals = await rows_of(db, reaction_totals)
    assert {(t["emoji_key"], t["burst"]): (t["count"], t["fetched_count"]) for t in totals} == {
        ("👍", False): (2, None),
        ("👍", True): (1, None),
        ("987654321", False): (1, None),
    }


async def test_the_checkpoint_moves_with_the_batch(db: Database, tenant: Tenant, way: Way) -> None:
    await way.store(*(message(n) for n in range(98, 101)))
    await way.store(message(101), now=LATER)
    (state,) = await channel_states(db, tenant.id)
    assert (state.checkpoint_id, state.checkpoint_at) == ("101", message(101).sent_at)
    assert (state.messages_archived, state.state) == (4, ProgressState.SYNCING)
    assert (await only_row(db, sync_progress))["last_job_id"] == way.lease.job_id


async def test_the_checkpoint_is_the_last_message_not_the_greatest_text(db: Database, tenant: Tenant, way: Way) -> None:
    await way.store(message(9), message(10), message(100))
    assert (await channel_states(db, tenant.id))[0].checkpoint_id == "100"


async def test_an_unchanged_message_is_not_written_again(db: Database, way: Way) -> None:
    records = [message(n, attachments=(attachment("1"),), reaction_totals=(total("👍"),)) for n in (1, 2)]
    await way.store(*records)
    await way.store(*records, now=LATER)
    for table in (messages, attachments, reaction_totals):
        assert {row["updated_at"] for row in await rows_of(db, table)} == {NOW}, table.name


async def test_a_changed_message_is_brought_up_to_date(db: Database, way: Way) -> None:
    await way.store(message(1), message(2, attachments=(attachment("1"),), reaction_totals=(total("👍"),)))
    edited = message(
        2,
        content="edited",
        edited_at=LATER,
        metadata={"pinned": True},
        attachments=(attachment("1", url="https://cdn.example/new"),),
        reaction_totals=both_totals("👍", 3, 2),
    )
    await way.store(message(1), edited, now=LATER)
    first, second = await rows_of(db, messages)
    assert first["updated_at"] == NOW
    assert (second["content"], second["edited_at"], second["metadata"]) == ("edited", LATER, {"pinned": True})
    assert (second["created_at"], second["updated_at"]) == (NOW, LATER)
    assert (await only_row(db, attachments))["url"] == "https://cdn.example/new"
    totals = await rows_of(db, reaction_totals)
    assert [(t["burst"], t["count"], t["updated_at"]) for t in totals] == [(False, 3, LATER), (True, 2, LATER)]


async def test_what_hangs_on_a_message_goes_when_the_platform_no_longer_has_it(db: Database, way: Way) -> None:
    kept = message(1, attachments=(attachment("1"),), reaction_totals=(total("👍"),))
    await way.store(
        kept,
        message(2, attachments=(attachment("1"), attachment("2")), reaction_totals=(total("👍"), total("🎉"))),
    )
    await run_sql(
        db,
        "INSERT INTO reactions"
        " (channel_id, message_platform_id, emoji_key, user_hash, burst, emoji, created_at, updated_at)"
        " SELECT channel_id, message_platform_id, emoji_key, 'hash', false, emoji, created_at, updated_at"
        " FROM reaction_totals",
    )
    await way.store(message(2, attachments=(attachment("2"),), reaction_totals=(total("🎉", 2),)), now=LATER)
    assert [(a["message_platform_id"], a["platform_id"]) for a in await rows_of(db, attachments)] == [
        ("1", "1"),
        ("2", "2"),
    ]
    left = [("1", "👍"), ("2", "🎉")]
    for table in (reaction_totals, reactions):
        assert [(r["message_platform_id"], r["emoji_key"]) for r in await rows_of(db, table)] == left
    await way.store(replace(kept, attachments=(), reaction_totals=()), now=LATER)
    assert [await count_of(db, t) for t in (attachments, reaction_totals, reactions)] == [1, 1, 1]


@pytest.mark.slow
async def test_a_message_in_another_channel_with_the_same_id_is_another(db: Database, way: Way) -> None:
    await run_sql(
        db,
        "INSERT INTO channels (tenant_id, platform_id, type, sync_state, metadata, created_at, updated_at)"
        " SELECT tenant_id, 'other', type, sync_state, metadata, created_at, updated_at FROM channels",
    )
    other = (await channel_states(db, way.tenant.id))[1]
    record = message(1, attachments=(attachment("1"),))
    await way.store(record)
    await way.store(replace(record, content="elsewhere", attachments=()), channel_id=other.id)
    assert [m["content"] for m in await rows_of(db, messages)] == ["message 1", "elsewhere"]
    assert await count_of(db, attachments) == 1


async def test_of_two_records_with_one_id_the_last_is_stored_and_counted_once(
    db: Database, tenant: Tenant, way: Way
) -> None:
    twice = (attachment("1"), attachment("1", filename="dog.png"))
    await way.store(
        message(1, content="first", attachments=(attachment("9"),)),
        message(2),
        message(1, content="last", attachments=twice, reaction_totals=(total("👍", 1), total("👍", 2))),
    )
    assert [m["content"] for m in await rows_of(db, messages)] == ["last", "message 2"]
    assert (await only_row(db, attachments))["filename"] == "dog.png"
    assert (await only_row(db, reaction_totals))["count"] == 2
    assert (await channel_states(db, tenant.id))[0].messages_archived == 2


async def test_a_deleted_message_stays_deleted_and_a_known_author_known(db: Database, way: Way) -> None:
    reply = message(
        2, reply_to_message_platform_id="1", reply_to_channel_platform_id="5", reply_to_author_hash="c" * 64
    )
    await way.store(message(1), reply)
    await run_sql(db, "UPDATE messages SET deleted_at = sent_at WHERE platform_id = '1'")
    await way.store(message(1), replace(reply, reply_to_author_hash=None), now=LATER)
    first, second = await rows_of(db, messages)
    assert first["deleted_at"] == message(1).sent_at
    assert (second["reply_to_author_hash"], second["metadata"]) == ("c" * 64, {"reply_deleted": True})
    await way.store(replace(reply, reply_to_author_hash=None), now=LATER + HOUR)
    assert (await rows_of(db, messages))[1] == second, "what is known is not written again"


async def test_deleted_messages_keep_their_rows_and_their_first_time(db: Database, way: Way, lease: JobLease) -> None:
    await way.store(*(message(n, attachments=(attachment("1"),)) for n in range(1, 5)))
    await mark_deleted(db, way.channel.id, ["1", "2", "404"], job=lease, now=NOW)
    await mark_deleted(db, way.channel.id, ["2", "3"], job=lease, now=LATER)
    await mark_deleted(db, way.channel.id + 1, ["4"], job=lease, now=LATER)
    await mark_deleted(db, way.channel.id, [], job=lease, now=LATER)
    rows = await rows_of(db, messages)
    assert [(m["deleted_at"], m["updated_at"]) for m in rows] == [(NOW, NOW), (NOW, NOW), (LATER, LATER), (None, NOW)]
    assert await count_of(db, attachments) == 4


async def test_a_batch_is_stored_whole_or_not_at_all(db: Database, tenant: Tenant, way: Way) -> None:
    await way.store(message(1))
    with killed_before(db, "INSERT INTO sync_progress"), pytest.raises(Killed):
        await way.store(message(2, attachments=(attachment("1"),), reaction_totals=(total("👍"),)))
    (state,) = await channel_states(db, tenant.id)
    assert (state.checkpoint_id, state.messages_archived) == ("1", 1)
    assert [await count_of(db, t) for t in (messages, attachments, reaction_totals)] == [1, 0, 0]


async def test_a_message_needs_its_channel_and_its_tenant(db: Database, way: Way) -> None:
    good = MessageBatch(tenant_id=way.tenant.id, channel_id=way.channel.id, messages=[message(1)], job=way.lease)
    for wrong in (replace(good, channel_id=999), replace(good, tenant_id="discord-other")):
        with pytest.raises(StorageError) as refused:
            await save_batch(db, wrong, NOW)
        assert not refused.value.is_transient
        assert "message 1" not in str(refused.value)
        assert refused.value.__cause__ is None
    assert await count_of(db, messages) == 0


def test_an_empty_batch_is_refused() -> None:
    lease = JobLease(job_id="1", owner="w", attempt=1)
    with pytest.raises(ValueError, match="at least one"):
        MessageBatch(tenant_id="t", channel_id=1, messages=[], job=lease)


async def test_a_naive_time_is_refused(db: Database, way: Way) -> None:
    with pytest.raises((ValueError, StorageError)):
        await way.store(message(1), now=NOW.replace(tzinfo=None))
    assert await count_of(db, messages) == 0
