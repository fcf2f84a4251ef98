"""What an export takes: the chosen messages of one instant, with what they answer and who reacted."""

from datetime import timedelta

import pytest

from adapters.records import ChannelType
from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.errors import UnknownChannel, UnknownTenant
from storage.export import ExportedMessage, ExportSelection, open_snapshot
from storage.jobs import JobLease
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.tenants import Tenant
from tests.support.builders import NOW, SECOND, attachment, channel, message, thread, total

ADA, BOB = "a" * 64, "b" * 64
MANY = {34: (total("👍", 19_000), total("🎉", 1_000)), 35: (total("👍", 1),), 36: (total("👍", 30_000),)}


async def fill(db: Database, tenant: Tenant, lease: JobLease) -> None:
    """A category with a channel and its thread, and a channel beside it."""
    category = channel("1", type=ChannelType.CATEGORY)
    listed = [category, channel("5", parent_platform_id="1"), thread("6", "5"), channel("7")]
    await save_channels(db, tenant.id, listed, NOW)
    ids = {state.platform_id: state.id for state in await channel_states(db, tenant.id)}
    reply = message(
        12,
        author_hash=BOB,
        reply_to_channel_platform_id="5",
        reply_to_message_platform_id="11",
        reply_to_author_hash=ADA,
        attachments=(attachment("90"),),
        reaction_totals=(total("👍", 2),),
    )
    for where, messages in {
        "5": [message(11), reply, message(13)],
        "6": [message(21)],
        "7": [message(number, reaction_totals=MANY.get(number, ())) for number in range(31, 31 + 2_005)],
    }.items():
        batch = MessageBatch(tenant_id=tenant.id, channel_id=ids[where], messages=messages, job=lease)
        await save_batch(db, batch, NOW)


async def taken(db: Database, selection: ExportSelection) -> list[ExportedMessage]:
    async with open_snapshot(db, selection) as snapshot:
        return [one async for c in snapshot.channels() async for page in snapshot.pages(c) for one in page]


def ids_of(found: list[ExportedMessage]) -> list[int]:
    return [int(one.message.platform_id) for one in found]


@pytest.mark.slow
async def test_what_is_taken(db: Database, tenant: Tenant, lease: JobLease) -> None:
    await fill(db, tenant, lease)
    everything = await taken(db, ExportSelection(tenant_id=tenant.id))
    assert ids_of(everything) == [11, 12, 13, 21, *range(31, 2_036)]
    reply = everything[1]
    assert reply.original is not None
    assert (reply.original.excerpt, reply.original.author_hash) == ("message 11", ADA)
    assert [file.platform_id for file in reply.message.attachments] == ["90"]
    assert [(one.emoji, one.count) for one in reply.message.reactions] == [("👍", 2)]

    async def chosen(**choice: object) -> list[int]:
        return ids_of(await taken(db, ExportSelection(tenant_id=tenant.id, **choice)))  # type: ignore[arg-type]

    assert await chosen(channels=("5",)) == await chosen(channels=("1",)) == [11, 12, 13, 21]
    assert await chosen(channels=("6",)) == [21]
    assert await chosen(author=BOB) == await chosen(author=BOB[:8]) == [12]
    since, until = everything[2].message.sent_at, everything[3].message.sent_at + SECOND
    assert await chosen(since=since, until=until) == [13, 21]
    assert await chosen(since=NOW + timedelta(days=1)) == []
    async with open_snapshot(db, ExportSelection(tenant_id=tenant.id)) as snapshot:
        assert await snapshot.estimate_messages() == 2_009
        (_, _, last) = [one async for one in snapshot.channels()]
        pages = [ids_of(page) async for page in snapshot.pages(last)]
        firsts = [page[0] for page in pages]
        assert firsts == [31, 35, 36, 37, 1_031, 2_031], "who reacted is loaded of few messages where they are many"
    for wrong, error in ((("5", "99"), UnknownChannel), ((), UnknownTenant)):
        tenant_id = tenant.id if wrong else "discord-9"
        with pytest.raises(error):
            await taken(db, ExportSelection(tenant_id=tenant_id, channels=wrong))
    await mark_deleted(db, reply.message.channel_id, ["11"], job=lease, now=NOW)
    for is_deleted_taken, excerpt in ((False, ""), (True, "message 11")):
        found = await taken(db, ExportSelection(tenant_id=tenant.id, channels=("5",), include_deleted=is_deleted_taken))
        (original,) = [one.original for one in found if one.original]
        assert (original.excerpt, original.author_hash, original.is_archived) == (excerpt, ADA, True)


@pytest.mark.slow
async def test_all_that_is_taken_is_of_one_instant(db: Database, tenant: Tenant, lease: JobLease) -> None:
    await fill(db, tenant, lease)
    found = []
    async with open_snapshot(db, ExportSelection(tenant_id=tenant.id)) as snapshot:
        async for one in snapshot.channels():
            (last,) = [state for state in await channel_states(db, tenant.id) if state.platform_id == "7"]
            new = MessageBatch(tenant_id=tenant.id, channel_id=last.id, messages=[message(9_000 + one.id)], job=lease)
            await save_batch(db, new, NOW)
            found += [each async for page in snapshot.pages(one) for each in page]
    assert ids_of(found) == [11, 12, 13, 21, *range(31, 2_036)]
    assert len(await taken(db, ExportSelection(tenant_id=tenant.id))) == len(found) + 3
