"""Summaries of channels: one row a channel, with what is kept of it and what is still to be fetched."""

from adapters.records import ChannelType, SkipReason
from storage.channels import (
    ChannelState,
    ChannelSummary,
    ProgressState,
    channel_states,
    channel_summaries,
    fail_channel,
    finish_channel,
    mark_skipped,
    save_channels,
)
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch, mark_deleted, save_batch
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, both_totals, channel, message, skipped, thread, total

LATER = NOW + MINUTE


async def test_each_channel_with_what_is_kept_of_it(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    await save_channels(db, tenant.id, [thread("6", "5")], NOW)
    ids = [state.id for state in await channel_states(db, tenant.id)]
    records = [message(n, reaction_totals=(*both_totals("👍", 3, 2), total("🎉"))) for n in (1, 2)]
    for channel_id in ids:
        batch = MessageBatch(tenant_id=tenant.id, channel_id=channel_id, messages=records, job=lease)
        await save_batch(db, batch, NOW)
    await save_channels(db, tenant.id, [skipped(thread("6", "5"), SkipReason.NOT_PUBLIC)], NOW)
    await mark_deleted(db, general.id, ["1"], job=lease, now=NOW)
    await fail_channel(db, general.id, error={"code": "x"}, job=lease, now=LATER)
    read = ChannelSummary(
        id=general.id,
        platform_id="5",
        parent_platform_id=None,
        name="channel 5",
        type=ChannelType.TEXT,
        sync_state="archived",
        skip_reason=None,
        skipped_since=None,
        visible_since=None,
        messages_archived=2,
        checkpoint_id="2",
        checkpoint_at=message(2).sent_at,
        state=ProgressState.FAILED,
        last_error={"code": "x"},
        set_aside=[],
        reactions_pending=3,
        updated_at=LATER,
    )
    first, second = await channel_summaries(db, tenant.id, limit=10)
    assert first == read
    assert (second.parent_platform_id, second.type, second.sync_state) == ("5", ChannelType.THREAD, "skipped")
    assert (second.skip_reason, second.skipped_since, second.reactions_pending) == (SkipReason.NOT_PUBLIC, NOW, 0)


async def test_a_channel_that_was_never_read(db: Database, tenant: Tenant, general: ChannelState) -> None:
    (only,) = await channel_summaries(db, tenant.id)
    assert (only.messages_archived, only.checkpoint_id, only.state, only.updated_at) == (0, None, None, None)
    await mark_skipped(db, tenant.id, ["5"], SkipReason.DELETED, NOW)
    (only,) = await channel_summaries(db, tenant.id)
    assert (only.sync_state, only.skip_reason) == ("skipped", SkipReason.DELETED)


async def test_the_pages_follow_each_other(db: Database, tenant: Tenant, general: ChannelState) -> None:
    await save_channels(db, tenant.id, [thread(str(n), "5") for n in range(10, 14)], NOW)
    pages: list[list[ChannelSummary]] = [await channel_summaries(db, tenant.id, limit=2)]
    while pages[-1]:
        pages.append(await channel_summaries(db, tenant.id, after=pages[-1][-1].id, limit=2))
    assert [[row.platform_id for row in page] for page in pages] == [["5", "10"], ["11", "12"], ["13"], []]
    assert await channel_summaries(db, "discord-other") == []


async def test_which_channels_are_not_complete(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    records = [
        channel("6", last_message_platform_id="9"),
        channel("7"),
        thread("8", "5"),
        skipped(channel("9"), SkipReason.BOT_LACKS_ACCESS),
        skipped(channel("10"), SkipReason.NOT_PUBLIC),
        channel("11", type=ChannelType.FORUM),
        channel("12", type=ChannelType.FORUM),
    ]
    await save_channels(db, tenant.id, records, NOW)
    ids = {state.platform_id: state.id for state in await channel_states(db, tenant.id)}

    async def incomplete() -> list[str]:
        return [one.platform_id for one in await channel_summaries(db, tenant.id, only_incomplete=True)]

    assert await incomplete() == ["5", "6", "7", "8", "9"], "a forum holds no messages; of the others nobody knows yet"
    await fail_channel(db, ids["12"], error={"code": "x"}, job=lease, now=NOW)
    for platform_id in ("6", "7", "8"):
        await finish_channel(db, ids[platform_id], deleted_head_id=None, job=lease, now=NOW)
    batch = MessageBatch(tenant_id=tenant.id, channel_id=general.id, messages=[message(1)], job=lease)
    await save_batch(db, batch, NOW)
    assert await incomplete() == ["5", "9", "12"]
