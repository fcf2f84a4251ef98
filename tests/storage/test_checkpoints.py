"""The checkpoint of a channel is the last message stored of it, whatever becomes of the channel afterwards."""

from functools import partial
from typing import Any

import pytest

from adapters.records import JsonValue
from storage.channels import (
    ChannelState,
    ProgressState,
    channel_states,
    channel_summaries,
    clear_error,
    fail_channel,
    finish_channel,
    reopen_channel,
    save_channels,
)
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.tenants import Tenant
from tests.support.builders import MINUTE, NOW, channel, message, thread

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


async def test_a_checkpoint_never_moves_back(progress: Progress) -> None:
    await progress.save("5", 9, 11, 10)
    await progress.save("5", 8, 9)
    state = await progress.of("5")
    assert (state.checkpoint_id, state.checkpoint_at) == ("11", message(11).sent_at)


async def test_what_is_read_to_its_end_stays_so_until_more_is_seen(db: Database, progress: Progress) -> None:
    async def is_open() -> bool:
        return (await progress.of("5")).has_news

    assert await is_open(), "never asked for, and without a head"
    await progress.save("5", 9)
    await finish(progress, "5", None)
    assert not await is_open()
    await fail_channel(db, (await progress.of("5")).id, error={"code": "x"}, job=progress.lease, now=LATER)
    assert not await is_open(), "something else of it has failed"
    for seen, opens in (("9", False), ("8", False), ("10", True)):
        await reopen_channel(db, (await progress.of("5")).id, seen, job=progress.lease, now=LATER)
        assert await is_open() is opens
    await progress.save("5", 10)
    assert await is_open(), "its reading was broken off"
    await finish(progress, "5", None)
    assert not await is_open()


async def test_an_error_is_cleared_but_not_what_was_reopened(db: Database, progress: Progress) -> None:
    failed, reopened = await progress.of("5"), await progress.of("6")
    for state in (failed, reopened):
        await progress.save(state.platform_id, 9)
        await finish(progress, state.platform_id, "12")
        await fail_channel(db, state.id, error={"code": "call_failed"}, job=progress.lease, now=LATER)
    await reopen_channel(db, reopened.id, "10", job=progress.lease, now=LATER)
    for state in (failed, reopened):
        await clear_error(db, state.id, job=progress.lease, now=LATER)
    failed, reopened = await progress.of("5"), await progress.of("6")
    assert (failed.state, failed.last_error, failed.has_news) == (ProgressState.COMPLETE, None, False)
    assert (failed.deleted_head_id, failed.checkpoint_id) == ("12", "9")
    assert reopened.has_news, "nothing beyond its checkpoint was read"


async def test_what_was_reopened_is_not_complete(db: Database, progress: Progress) -> None:
    await progress.save("5", 9)
    await finish(progress, "5", None)
    await finish(progress, "6", None)
    assert await channel_summaries(db, progress.tenant.id, only_incomplete=True) == []
    await reopen_channel(db, (await progress.of("5")).id, "10", job=progress.lease, now=LATER)
    (only,) = await channel_summaries(db, progress.tenant.id, only_incomplete=True)
    assert (only.platform_id, only.state) == ("5", ProgressState.SYNCING)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [channel, partial(thread, parent="6")])
@pytest.mark.parametrize(
    ("head", "remembered", "asks"),
    [
        ("9", None, "never"),  # the checkpoint
        (None, None, "never"),
        ("12", None, "always"),
        ("12", "12", "never"),  # it is gone
        ("13", "12", "always"),
        ("7", None, "always"),  # it has moved back
        ("7", "12", "always"),
        ("7", "7", "text"),  # older than what was read, and that says nothing of what came after
    ],
)
async def test_a_head_that_was_read_beyond_costs_nothing(
    db: Database, progress: Progress, kind: Any, head: str | None, remembered: str | None, asks: str
) -> None:
    await save_channels(db, progress.tenant.id, [kind("7", last_message_platform_id=head)], NOW)
    await progress.save("7", 9)
    await finish(progress, "7", remembered)
    assert (await progress.of("7")).has_news is (asks == "always" or (asks == "text" and kind is channel))


async def finish(progress: Progress, platform_id: str, remembered: str | None) -> None:
    channel_id = (await progress.of(platform_id)).id
    await finish_channel(progress.db, channel_id, deleted_head_id=remembered, job=progress.lease, now=LATER)
