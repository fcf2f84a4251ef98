"""What is deleted before its own event was written does not come into sight by that event."""

import asyncio

import pytest

from adapters.events import ChannelChanged, ChannelDeleted, TenantJoined
from adapters.records import ChannelRecord, TenantRecord
from storage.channels import channel_states
from tests.support.builders import channel, thread
from tests.support.live_writing import PLATFORM, TENANT, archive, writing
from tests.support.membership import MembershipParts
from tests.support.patience import PATIENCE_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "deleted"),
    [
        ([thread("8", "5")], "8"),
        ([channel("8")], "8"),
        ([thread("8", "5")], "5"),
        ([channel("7"), thread("8", "7")], "7"),
    ],
    ids=["thread", "channel", "channel with a new thread", "new channel with a new thread"],
)
async def test_a_channel_deleted_before_its_event_is_written_is_not_archived(
    database_url: str, made: list[ChannelRecord], deleted: str
) -> None:
    async with archive(database_url) as db:
        parts = MembershipParts(db)
        await parts.receive(TenantJoined(TenantRecord(platform_id="1", name=None)))
        await parts.membership.reconcile()
        await parts.live.following.renew()
        for record in made:
            parts.live.submit(PLATFORM, ChannelChanged(tenant_platform_id="1", record=record, is_new=True))
        await parts.receive(ChannelDeleted("1", deleted))
        await parts.membership.reconcile()
        async with writing(parts.live):
            parts.live.submit(PLATFORM, ChannelChanged(tenant_platform_id="1", record=channel("9"), is_new=True))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while "9" not in {state.platform_id for state in await channel_states(db, TENANT)}:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        gone = {record.platform_id for record in made} | {deleted}
        shown = [s.platform_id for s in await channel_states(db, TENANT) if s.skip_reason is None]
        assert gone.isdisjoint(shown)
