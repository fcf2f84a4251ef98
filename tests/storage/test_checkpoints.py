"""The checkpoint of a channel is the last message stored of it, whatever becomes of the channel afterwards."""

import pytest

from adapters.records import JsonValue
from storage.channels import ChannelState, ProgressState, channel_states, fail_channel, finish_channel, save_channels
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, channel, message

LATER = NOW + MINUTE


class Progress:
    """Two channels that one job reads."""

    def __init__(self, db: Database, tenant: Tenant, lease: JobLease) -> None:
        self.db, self.tenant, self.lease = db, tenant, lease

    async def of(self, platform_id: str) -> ChannelState:
        return {state.platform_id: state for state in await channel_states(self.db, self.tenant.id)}[platform_id]

    async def save(self, platform_id: str, *numbers: int) -> None:
        batch = MessageBatch(
            tenant_id=self.tenant.id,
            channel_id=(await self.of(platform_id)).id,
            messages=[message(n) for n in numbers],
            job=self.lease,
        )
        await save_batch(self.db, batch, LATER)


@pytest.fixture
async def progress(db: Database, tenant: Tenant, lease: JobLease) -> Progress:
    await save_channels(db, tenant.id, [channel("5"), channel("6")], NOW)
    return Progress(db, tenant, lease)


async def test_the_checkpoint_is_the_last_message_of_the_batch(progress: Progress) -> None:
    for first, last in ((8, 12), (95, 101)):
        await progress.save("5", *range(first, last + 1))
        state = await progress.of("5")
        assert state.checkpoint_id == str(last)
        assert state.checkpoint_at == message(last).sent_at, "it is the time of another message, or none's"


async def test_a_channel_that_fails_or_ends_keeps_its_checkpoint(db: Database, progress: Progress) -> None:
    await progress.save("5", 1, 2, 3)
    reached = ("3", message(3).sent_at, 3)
    channel_id = (await progress.of("5")).id
    await fail_channel(db, channel_id, error={"code": "call_failed"}, job=progress.lease, now=LATER)
    failed = await progress.of("5")
    assert (failed.checkpoint_id, failed.checkpoint_at, failed.messages_archived) == reached
    await finish_channel(db, channel_id, deleted_head_id=None, job=progress.lease, now=LATER)
    done = await progress.of("5")
    assert (done.checkpoint_id, done.checkpoint_at, done.messages_archived) == reached


async def test_each_channel_has_its_own_progress(db: Database, progress: Progress) -> None:
    await progress.save("5", 1, 2, 3)
    await progress.save("5", 4)
    await progress.save("6", 10)
    error: dict[str, JsonValue] = {"code": "call_failed", "message": "503", "attempts": 4}
    await fail_channel(db, (await progress.of("6")).id, error=error, job=progress.lease, now=LATER)
    reading, failed = await progress.of("5"), await progress.of("6")
    assert (reading.checkpoint_id, reading.messages_archived) == ("4", 4)
    assert (reading.state, reading.last_error) == (ProgressState.SYNCING, None)
    assert (failed.checkpoint_id, failed.messages_archived) == ("10", 1)
    assert (failed.state, failed.last_error) == (ProgressState.FAILED, error)
    await finish_channel(db, reading.id, deleted_head_id=None, job=progress.lease, now=LATER)
    await finish_channel(db, failed.id, deleted_head_id=None, job=progress.lease, now=LATER)
    for state in (await progress.of("5"), await progress.of("6")):
        assert (state.state, state.last_error) == (ProgressState.COMPLETE, None)
