"""Nothing that is stored is replaced by nothing, by whatever road the blank copy comes; and what is seen is there."""

from datetime import datetime
from typing import Any

import pytest

from adapters.records import MessageRecord
from storage.database import Database
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.repair import PageOutcome
from storage.tables import attachments, messages
from tests.support.builders import MINUTE, NOW, attachment, change, message
from tests.support.live_steps import LiveChannel
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import only_row, rows_of

FULL = message(1, attachments=(attachment("1"),), metadata={"flags": 8})
BLANK = message(1, content="", metadata={"flags": 8})
POLL = {"poll": {"question": "?"}}
STICKER = {"stickers": [{"id": "9"}]}
EMBED = message(1, content="", metadata={"embeds": [{"title": "news"}]})


async def by_batch(way: LiveChannel, record: MessageRecord) -> None:
    batch = MessageBatch(tenant_id=way.tenant.id, channel_id=way.channel.id, messages=[record], job=way.lease)
    await save_batch(way.db, batch, LATER)


async def by_audit(way: LiveChannel, record: MessageRecord) -> None:
    assert (await way.save(await way.audit(), record)).deleted == 0


async def by_event(way: LiveChannel, record: MessageRecord) -> None:
    await way.apply(1, edited=record)


@pytest.fixture
def live(way: Way) -> LiveChannel:
    return LiveChannel(way.db, way.tenant, way.channel, way.lease)


@pytest.mark.parametrize("road", [by_batch, by_audit, by_event])
@pytest.mark.parametrize(
    ("stored", "incoming"),
    [
        (FULL, BLANK),
        (FULL, message(1, content="", edited_at=NOW)),
        (
            message(1, metadata={"stickers": [{"id": "9"}]}),
            message(1, content="", metadata={"stickers": [{"id": "9"}]}),
        ),
        (
            message(1, content="", metadata=STICKER, attachments=(attachment("1"),)),
            message(1, content="", metadata=STICKER),
        ),
        (
            message(1, content="", metadata=STICKER | {"poll": {"question": "?"}}),
            message(1, content="", metadata=STICKER),
        ),
        (EMBED, message(1, content="")),
        (message(1, content="", metadata={"forward": {"content": "x", "sent_at": "y"}}), message(1, content="")),
        (message(1, content="", metadata=POLL), message(1, content="")),
    ],
)
@pytest.mark.slow
async def test_a_blank_copy_changes_nothing(
    db: Database, live: LiveChannel, road: Any, stored: MessageRecord, incoming: MessageRecord
) -> None:
    await live.store(stored)
    before = await rows_of(db, messages), await rows_of(db, attachments)
    await road(live, incoming)
    assert (await rows_of(db, messages), await rows_of(db, attachments)) == before


@pytest.mark.parametrize("road", [by_batch, by_audit, by_event])
@pytest.mark.parametrize(
    ("stored", "incoming"),
    [
        (FULL, message(1, edited_at=NOW, metadata={"flags": 8})),
        (FULL, message(1, content="", edited_at=NOW, attachments=(attachment("1"),))),
        (EMBED, message(1, content="", metadata={"flags": 4})),
        (message(1, content="", type="new_member"), message(1, content="", type="new_member", metadata={"flags": 4})),
    ],
)
@pytest.mark.slow
async def test_what_people_do_is_stored(
    db: Database, live: LiveChannel, road: Any, stored: MessageRecord, incoming: MessageRecord
) -> None:
    await live.store(stored)
    await road(live, incoming)
    row = await only_row(db, messages)
    assert (row["content"], row["metadata"], row["edited_at"]) == (
        incoming.content,
        incoming.metadata,
        incoming.edited_at,
    )
    assert len(await rows_of(db, attachments)) == len(incoming.attachments)


async def test_an_audit_does_not_call_a_blank_copy_a_change(live: LiveChannel) -> None:
    await live.store(FULL)
    assert await live.save(await live.audit(), BLANK) == PageOutcome(seen=1)


async def deleted_at(db: Database) -> datetime | None:
    return (await only_row(db, messages))["deleted_at"]


async def test_a_message_that_is_seen_again_is_deleted_no_longer(db: Database, live: LiveChannel) -> None:
    await live.store(FULL)
    await mark_deleted(db, live.channel.id, ["1"], job=live.lease, now=NOW)
    for requested_at in (None, NOW - MINUTE, NOW):
        await save_batch(db, batch_of(live, requested_at), LATER)
        assert await deleted_at(db) == NOW, "it was marked while the page was on its way"
    await save_batch(db, batch_of(live, NOW + MINUTE / 2), LATER)
    assert await deleted_at(db) is None


def batch_of(live: LiveChannel, requested_at: datetime | None) -> MessageBatch:
    return MessageBatch(
        tenant_id=live.tenant.id, channel_id=live.channel.id, messages=[FULL], job=live.lease, requested_at=requested_at
    )


async def test_an_edit_says_that_a_message_is_there(db: Database, live: LiveChannel) -> None:
    await live.store(FULL)
    await mark_deleted(db, live.channel.id, ["1"], job=live.lease, now=NOW)
    await live.apply(1, edited=message(1, content="edited", edited_at=NOW))
    assert await deleted_at(db) is None
    both = change(live.tenant.id, "5", "1", edited=message(1, content="once more", edited_at=LATER), is_deleted=True)
    await live.apply(1, edited=both.edited, is_deleted=True)
    assert await deleted_at(db) == LATER
