"""What goes wrong with one tenant, one erasure request or one step holds up no other, and is tried again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from adapters.events import ChannelDeleted, TenantJoined, TenantLeft
from adapters.records import TenantRecord
from bot.erasures import ErasureRequests
from bot.failures import Failures, of
from bot.reconciliation import Reconciler
from storage import jobs
from storage.channels import channel_states, save_channels
from storage.database import Database, open_database
from storage.errors import DatabaseBusy, StorageError
from storage.privacy import find_request
from storage.repair import gaps
from storage.tenants import list_tenants
from tests.support.builders import channel
from tests.support.daemon import Clock
from tests.support.faults import Killed, killed_before
from tests.support.membership import PLATFORM, MembershipParts
from tests.support.patience import PATIENCE_SECONDS
from tests.support.stored import store_something


@asynccontextmanager
async def archive(url: str) -> AsyncIterator[Database]:
    db = await open_database(url, hash_choice="sha256")
    try:
        yield db
    finally:
        await db.close()


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not look():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.01)


async def test_a_tenant_that_cannot_be_stored_holds_up_none_behind_it(database_url: str) -> None:
    async with archive(database_url) as db:
        membership = MembershipParts(db).membership
        for number in ("1", "2", "3"):
            await membership.listen(PLATFORM, TenantJoined(TenantRecord(platform_id=number, name=None)))
        with (
            killed_before(db, "INSERT INTO tenants", value="discord-2", error=StorageError),
            pytest.raises(StorageError) as raised,
        ):
            await membership.reconcile()
        assert of(raised.value) == "discord-2, discord"
        assert [tenant.id for tenant in await list_tenants(db)] == ["discord-1", "discord-3"]
        await membership.reconcile()
        assert [tenant.id for tenant in await list_tenants(db)] == ["discord-1", "discord-2", "discord-3"]


@pytest.mark.slow
async def test_a_tenant_whose_gap_cannot_be_put_down_holds_up_no_other(database_url: str) -> None:
    async with archive(database_url) as db:
        parts = MembershipParts(db)
        membership, live = parts.membership, parts.live
        for number in ("1", "2", "3"):
            await membership.listen(PLATFORM, TenantJoined(TenantRecord(platform_id=number, name=None)))
        await membership.reconcile()
        for job in await jobs.list_jobs(db):  # the first syncs are not what is looked at here
            await jobs.cancel(db, job.id, datetime.now(UTC))
        for number in ("1", "2"):
            await store_something(db, f"discord-{number}", datetime.now(UTC))
        await live.following.advance({(PLATFORM, "0/1"): datetime.now(UTC)})
        await save_channels(db, "discord-3", [channel("7")], datetime.now(UTC))
        for number in ("1", "2"):
            await membership.listen(PLATFORM, TenantLeft(number))
        await membership.listen(PLATFORM, ChannelDeleted("3", "7"))
        with killed_before(db, "INSERT INTO sync_gaps", value="discord-1"), pytest.raises(Killed):
            await membership.reconcile()
        assert [len(await gaps.list_gaps(db, f"discord-{number}")) for number in ("1", "2")] == [0, 1]
        assert [state.skip_reason for state in await channel_states(db, "discord-3")] == ["deleted"]
        await membership.reconcile()
        assert len(await gaps.list_gaps(db, "discord-1")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("error", [Killed, StorageError, asyncio.CancelledError])
async def test_an_erasure_request_that_fails_holds_up_no_other_and_ends_nothing(
    database_url: str, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async with archive(database_url) as db:
        keeper = ErasureRequests(db, Clock())
        reconciler = Reconciler({"erasures": keeper.fulfil})
        keeper.wake = partial(reconciler.wake, "erasures")
        with killed_before(db, "UPDATE erased_users", value="a" * 64, error=error):
            first = await keeper.record("a" * 64, None)
            running = asyncio.create_task(reconciler.run())
            await until(lambda: [record for record in caplog.records if record.name == "bot.reconciliation"])
            second = await keeper.record("b" * 64, None)
            if error is not asyncio.CancelledError:
                assert (await keeper.completed(second, timedelta(seconds=PATIENCE_SECONDS))).completed_at is not None
            assert (await find_request(db, "a" * 64, None)).completed_at is None
        await keeper.record("c" * 64, None)
        for request in (first, second):
            assert (await keeper.completed(request, timedelta(seconds=PATIENCE_SECONDS))).completed_at is not None
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.mark.slow
async def test_a_step_in_which_a_library_cancels_something_is_taken_again() -> None:
    taken = 0

    async def step() -> None:
        nonlocal taken
        taken += 1
        if taken == 1:
            raise asyncio.CancelledError

    running = asyncio.create_task(Reconciler({"tenants": step}).run())
    await until(lambda: taken == 2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_what_the_next_item_would_meet_too_ends_the_round() -> None:
    failures = Failures()
    with failures.apart("one"):
        raise ValueError("its own")
    with pytest.raises(DatabaseBusy), failures.apart("two"):
        raise DatabaseBusy
    with pytest.raises(ValueError, match="its own"):
        failures.raise_first()
