"""Messages: a batch and its checkpoint are one transaction, storing again brings rows up to date and no more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from adapters.records import AuthorKind, MessageRecord
from storage.channels import ChannelState, ProgressState, channel_states, fail_channel, finish_channel
from storage.database import Database
from storage.errors import LeaseLost, StorageError
from storage.jobs import JobLease, JobStatus, claim, finish
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.tables import attachments, messages, reaction_totals, reactions, sync_progress
from storage.tenants import Tenant
from tests.support.builders import HOUR, MINUTE, NOW, attachment, both_totals, message, total
from tests.support.tables_of import count_of, only_row, rows_of, run_sql

LATER = NOW + MINUTE


class Store:
    """Saves batches of one channel under one lease."""

    def __init__(self, db: Database, tenant: Tenant, channel: ChannelState, lease: JobLease) -> None:
        self.db, self.tenant, self.channel, self.lease = db, tenant, channel, lease

    async def save(self, *records: MessageRecord, now: datetime = NOW) -> None:
        await save_batch(self.db, self.batch(records), now)

    def batch(self, records: Sequence[MessageRecord]) -> MessageBatch:
        return MessageBatch(tenant_id=self.tenant.id, channel_id=self.channel.id, messages=records, job=self.lease)


@pytest.fixture
def store(db: Database, tenant: Tenant, general: ChannelState, lease: JobLease) -> Store:
    return Store(db, tenant, general, lease)


async def test_every_field_is_stored(db: Database, store: Store) -> None:
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
    await store.save(record)
    assert await only_row(db, messages) == {
        "id": 1,
        "channel_id": store.channel.id,
        "platform_id": "7",
        "tenant_id": store.tenant.id,
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


async def test_the_checkpoint_moves_with_the_batch(db: Database, tenant: Tenant, store: Store) -> None:
    await store.save(*(message(n) for n in range(98, 101)))
    await store.save(message(101), now=LATER)
    (state,) = await channel_states(db, tenant.id)
    assert (state.checkpoint_id, state.checkpoint_at) == ("101", message(101).sent_at)
    assert (state.messages_archived, state.state, state.last_job_id) == (4, ProgressState.SYNCING, store.lease.job_id)


async def test_the_checkpoint_is_the_last_message_not_the_greatest_text(
    db: Database, tenant: Tenant, store: Store
) -> None:
    await store.save(message(9), message(10), message(100))
    assert (await channel_states(db, tenant.id))[0].checkpoint_id == "100"


async def test_an_unchanged_message_is_not_written_again(db: Database, store: Store) -> None:
    records = [message(n, attachments=(attachment("1"),), reaction_totals=(total("👍"),)) for n in (1, 2)]
    await store.save(*records)
    await store.save(*records, now=LATER)
    for table in (messages, attachments, reaction_totals):
        assert {row["updated_at"] for row in await rows_of(db, table)} == {NOW}, table.name


async def test_a_changed_message_is_brought_up_to_date(db: Database, store: Store) -> None:
    await store.save(message(1), message(2, attachments=(attachment("1"),), reaction_totals=(total("👍"),)))
    edited = message(
        2,
        content="edited",
        edited_at=LATER,
        metadata={"pinned": True},
        attachments=(attachment("1", url="https://cdn.example/new"),),
        reaction_totals=both_totals("👍", 3, 2),
    )
    await store.save(message(1), edited, now=LATER)
    first, second = await rows_of(db, messages)
    assert first["updated_at"] == NOW
    assert (second["content"], second["edited_at"], second["metadata"]) == ("edited", LATER, {"pinned": True})
    assert (second["created_at"], second["updated_at"]) == (NOW, LATER)
    assert (await only_row(db, attachments))["url"] == "https://cdn.example/new"
    totals = await rows_of(db, reaction_totals)
    assert [(t["burst"], t["count"], t["updated_at"]) for t in totals] == [(False, 3, LATER), (True, 2, LATER)]


async def test_what_hangs_on_a_message_goes_when_it_is_no_longer_told(db: Database, store: Store) -> None:
    kept = message(1, attachments=(attachment("1"),), reaction_totals=(total("👍"),))
    await store.save(
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
    await store.save(message(2, attachments=(attachment("2"),), reaction_totals=(total("🎉", 2),)), now=LATER)
    assert [(a["message_platform_id"], a["platform_id"]) for a in await rows_of(db, attachments)] == [
        ("1", "1"),
        ("2", "2"),
    ]
    left = [("1", "👍"), ("2", "🎉")]
    for table in (reaction_totals, reactions):
        assert [(r["message_platform_id"], r["emoji_key"]) for r in await rows_of(db, table)] == left
    await store.save(replace(kept, attachments=(), reaction_totals=()), now=LATER)
    assert [await count_of(db, t) for t in (attachments, reaction_totals, reactions)] == [1, 1, 1]


async def test_a_message_in_another_channel_with_the_same_id_is_another(db: Database, store: Store) -> None:
    await run_sql(
        db,
        "INSERT INTO channels (tenant_id, platform_id, type, sync_state, metadata, created_at, updated_at)"
        " SELECT tenant_id, 'other', type, sync_state, metadata, created_at, updated_at FROM channels",
    )
    other = (await channel_states(db, store.tenant.id))[1]
    record = message(1, attachments=(attachment("1"),))
    await store.save(record)
    elsewhere = Store(db, store.tenant, other, store.lease)
    await elsewhere.save(replace(record, content="elsewhere", attachments=()))
    assert [m["content"] for m in await rows_of(db, messages)] == ["message 1", "elsewhere"]
    assert await count_of(db, attachments) == 1


async def test_of_two_records_with_one_id_the_last_is_stored_and_counted_once(
    db: Database, tenant: Tenant, store: Store
) -> None:
    twice = (attachment("1"), attachment("1", filename="dog.png"))
    await store.save(
        message(1, content="first", attachments=(attachment("9"),)),
        message(2),
        message(1, content="last", attachments=twice, reaction_totals=(total("👍", 1), total("👍", 2))),
    )
    assert [m["content"] for m in await rows_of(db, messages)] == ["last", "message 2"]
    assert (await only_row(db, attachments))["filename"] == "dog.png"
    assert (await only_row(db, reaction_totals))["count"] == 2
    assert (await channel_states(db, tenant.id))[0].messages_archived == 2


async def test_a_deleted_message_stays_deleted_and_a_known_author_known(db: Database, store: Store) -> None:
    reply = message(
        2, reply_to_message_platform_id="1", reply_to_channel_platform_id="5", reply_to_author_hash="c" * 64
    )
    await store.save(message(1), reply)
    await run_sql(db, "UPDATE messages SET deleted_at = sent_at WHERE platform_id = '1'")
    await store.save(message(1), replace(reply, reply_to_author_hash=None), now=LATER)
    first, second = await rows_of(db, messages)
    assert first["deleted_at"] == message(1).sent_at
    assert (second["reply_to_author_hash"], second["updated_at"]) == ("c" * 64, NOW)


async def test_deleted_messages_keep_their_rows_and_when_it_was_told_first(
    db: Database, store: Store, lease: JobLease
) -> None:
    await store.save(*(message(n, attachments=(attachment("1"),)) for n in range(1, 5)))
    assert await mark_deleted(db, store.channel.id, ["1", "2", "404"], job=lease, now=NOW) == 2
    assert await mark_deleted(db, store.channel.id, ["2", "3"], job=None, now=LATER) == 1
    assert await mark_deleted(db, store.channel.id + 1, ["4"], job=None, now=LATER) == 0
    assert await mark_deleted(db, store.channel.id, [], job=None, now=LATER) == 0
    rows = await rows_of(db, messages)
    assert [(m["deleted_at"], m["updated_at"]) for m in rows] == [(NOW, NOW), (NOW, NOW), (LATER, LATER), (None, NOW)]
    assert await count_of(db, attachments) == 4


async def test_a_batch_is_stored_whole_or_not_at_all(
    db: Database, tenant: Tenant, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.save(message(1))

    async def crash(*_: object, **__: object) -> None:
        raise RuntimeError("killed between the rows and the checkpoint")

    monkeypatch.setattr("storage.messages.batch.advance", crash)
    with pytest.raises(RuntimeError):
        await store.save(message(2, attachments=(attachment("1"),), reaction_totals=(total("👍"),)))
    (state,) = await channel_states(db, tenant.id)
    assert (state.checkpoint_id, state.messages_archived) == ("1", 1)
    assert [await count_of(db, t) for t in (messages, attachments, reaction_totals)] == [1, 0, 0]


async def test_a_worker_that_lost_its_job_writes_nothing(db: Database, store: Store) -> None:
    await store.save(message(1))
    taken_over = await claim(db, "other", now=NOW + 2 * HOUR, lease=HOUR)
    assert taken_over is not None
    assert taken_over[1].job_id == store.lease.job_id
    before = await only_row(db, sync_progress)
    for write in (
        store.save(message(2)),
        finish_channel(db, store.channel.id, deleted_head_id=None, job=store.lease, now=LATER),
        fail_channel(db, store.channel.id, error={"code": "x"}, job=store.lease, now=LATER),
        mark_deleted(db, store.channel.id, ["1"], job=store.lease, now=LATER),
    ):
        with pytest.raises(LeaseLost):
            await write
    assert (await only_row(db, messages))["deleted_at"] is None
    assert await only_row(db, sync_progress) == before
    store.lease = taken_over[1]
    await store.save(message(2))
    assert await count_of(db, messages) == 2


@pytest.mark.parametrize("stranger", [{"owner": "thief"}, {"attempt": 2}, {"job_id": "none"}])
async def test_a_lease_that_was_never_given_writes_nothing(
    db: Database, store: Store, stranger: dict[str, object]
) -> None:
    store.lease = replace(store.lease, **stranger)  # type: ignore[arg-type] # one field of three
    with pytest.raises(LeaseLost):
        await store.save(message(1))
    assert [await count_of(db, t) for t in (messages, sync_progress)] == [0, 0]


async def test_a_lease_that_ran_out_holds_until_somebody_takes_the_job(db: Database, store: Store) -> None:
    await store.save(message(1), now=NOW + 5 * HOUR)
    assert await count_of(db, messages) == 1


async def test_a_finished_job_writes_nothing_more(db: Database, store: Store) -> None:
    await finish(db, store.lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
    with pytest.raises(LeaseLost):
        await store.save(message(1))


async def test_a_message_needs_its_channel_and_its_tenant(db: Database, store: Store) -> None:
    good = store.batch([message(1)])
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


async def test_a_naive_time_is_refused(db: Database, store: Store) -> None:
    with pytest.raises((ValueError, StorageError)):
        await store.save(message(1), now=NOW.replace(tzinfo=None))
    assert await count_of(db, messages) == 0
