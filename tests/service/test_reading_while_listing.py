"""Channels are read while archived threads are still being listed, and threads once the page with them is stored."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import RateLimited
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sections import SyncConfig
from bot.sync import JobContext, Progress, TenantSync
from bot.sync.outcomes import ChannelOutcome
from storage.channels import channel_states
from storage.database import Database, open_database
from storage.tables import messages
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA
from tests.support.daemon import Clock
from tests.support.forum import POSTS, TEXT, Forum
from tests.support.job_steps import running_job
from tests.support.patience import PATIENCE_SECONDS
from tests.support.tables_of import count_of

TENANT = "discord-100"
READ = [f"messages {channel_id}" for channel_id in (TEXT, *POSTS)]
LISTED = [f"posts {page}" for page in range(3)]


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An archive with a tenant."""
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice=SHA)
    await save_tenant(opened, "discord", GUILD, connected=True, now=NOW)
    yield opened
    await opened.close()


@pytest.fixture
async def job(db: Database) -> JobContext:
    """A job that syncs it."""
    return await job_of(db, Forum())


async def job_of(db: Database, session: Any) -> JobContext:
    return JobContext(
        db=db,
        session=session,
        tenant_id=TENANT,
        lease=await running_job(db, TENANT),
        progress=Progress(),
        live=LiveWriter(db, {}, "me", Clock()),
        config=SyncConfig(reaction_users=False, concurrent_channels=2),
        clock=Clock(),
        metrics=Metrics(),
        due=None,
    )


def forum_of(job: JobContext) -> Forum:
    session: Any = job.session
    assert isinstance(session, Forum)
    return session


def halt_at(session: Forum, request: str) -> tuple[asyncio.Event, asyncio.Event]:
    """Let a request wait; return what is set when it does, and what lets it go on."""
    is_waiting, go_on = asyncio.Event(), asyncio.Event()

    async def before(made: str) -> None:
        if made == request:
            is_waiting.set()
            await go_on.wait()

    session.before = before
    return is_waiting, go_on


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.005)


@pytest.mark.slow
async def test_what_is_known_is_read_before_the_listing_has_ended(job: JobContext) -> None:
    session = forum_of(job)
    is_waiting, go_on = halt_at(session, LISTED[1])
    running = asyncio.create_task(TenantSync(job).run())
    await until(lambda: job.progress.messages == 6)
    assert is_waiting.is_set()
    assert await count_of(job.db, messages) == 6
    assert set(session.asked) == {"channels", *LISTED[:2], *READ[:3]}
    assert (job.progress.fraction, job.progress.seconds_left) == (None, None)
    assert job.progress.channel_counts["channels_failed"] == 0
    go_on.set()
    await running
    assert session.asked == dict.fromkeys(["channels", *LISTED, *READ], 1)
    assert await count_of(job.db, messages) == 2 * len(READ)
    counts = job.progress.channel_counts
    assert (counts["channels_done"], counts["channels_total"]) == (8, 8), "the forum is one of them"
    assert job.progress.at_end(has_succeeded=True)["fraction"] == 1.0


@pytest.mark.parametrize(("halted", "failing"), [(READ[0], LISTED[1]), (LISTED[1], READ[1])])
@pytest.mark.slow
async def test_an_error_on_either_side_ends_the_other(job: JobContext, halted: str, failing: str) -> None:
    session = forum_of(job)
    is_waiting, _ = halt_at(session, halted)
    halt = session.before

    async def before(request: str) -> None:
        await halt(request)
        if request == failing:
            await is_waiting.wait()
            raise RateLimited(retry_after_seconds=1.0, scope="user")

    session.before = before
    with pytest.raises(RateLimited):
        await TenantSync(job).run()
    asked = session.asked.copy()
    await asyncio.sleep(0)
    assert session.asked == asked
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert job.progress.fraction is None


@pytest.mark.slow
async def test_a_job_that_is_cancelled_in_the_middle_goes_on_from_there(job: JobContext) -> None:
    session = forum_of(job)
    halt_at(session, LISTED[1])
    running = asyncio.create_task(TenantSync(job).run())
    await until(lambda: job.progress.messages == 6)
    await until(lambda: job.progress.channels.count(ChannelOutcome.DONE) == 4)  # with one that is empty
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [state for state in await channel_states(job.db, TENANT) if state.threads_listed_at]
    session.before = Forum().before
    await TenantSync(replace(job, progress=Progress())).run()
    assert session.asked == dict.fromkeys([*LISTED, *READ], 1) | {"channels": 2, LISTED[1]: 2}
    assert await count_of(job.db, messages) == 2 * len(READ)


@pytest.mark.slow
async def test_a_thread_that_is_listed_with_a_newer_message_after_it_was_read_is_read_again(job: JobContext) -> None:
    session = forum_of(job)
    halt_at(session, READ[1])
    running = asyncio.create_task(TenantSync(job).run())
    await until(lambda: session.asked[READ[1]])
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    job = replace(job, progress=Progress())

    async def before(request: str) -> None:
        if request == LISTED[0]:
            await until(lambda: job.progress.channels.get(POSTS[0]) is ChannelOutcome.DONE)
            session.newest = 3

    session.before, session.lists_anew = before, True
    session.asked.clear()
    await TenantSync(job).run()
    assert (session.asked[READ[0]], session.asked[READ[1]]) == (0, 2)
    assert max(session.asked.values()) == 2
    assert await count_of(job.db, messages) == 2 + 3 * len(POSTS)


@pytest.mark.slow
async def test_a_thread_found_missing_is_looked_up_by_the_next_job_where_this_one_is_broken_off(
    job: JobContext,
) -> None:
    await TenantSync(replace(job, progress=Progress())).run()
    session = forum_of(job)
    gone = POSTS[3]
    session.lists_again_without, is_limited = gone, True

    async def before(request: str) -> None:
        if request.startswith("find") and is_limited:
            raise RateLimited(retry_after_seconds=1.0, scope="user")

    session.before = before
    with pytest.raises(RateLimited):
        await TenantSync(replace(job, progress=Progress())).run()
    session.lists_again_without, is_limited = None, False
    await TenantSync(replace(job, progress=Progress())).run()
    skipped = {state.platform_id for state in await channel_states(job.db, TENANT) if state.skip_reason == "deleted"}
    assert skipped == {gone}
    assert session.asked[f"find {gone}"] == 2
    await TenantSync(replace(job, progress=Progress())).run()
    assert session.asked[f"find {gone}"] == 2
