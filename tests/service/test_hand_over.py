"""From reading a channel to following it: broken off at any commit, with pages that do not come, over known rows."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from adapters.errors import RateLimited
from adapters.events import ChannelRef, MessageCreated, Stream
from adapters.pages import MessagePage
from adapters.parts import UNDIVIDED
from bot.live import Listing, LiveWriter
from bot.metrics import Metrics
from bot.sections import SyncConfig
from bot.sync import JobContext, Progress
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.messages import ChannelReader
from storage.channels import ChannelState, channel_states, channels_to_be_read, save_channels
from storage.database import Database, open_database
from storage.jobs import JobKind, enqueue
from storage.tables import messages
from tests.support.builders import NOW, SHA, channel, message
from tests.support.daemon import Clock
from tests.support.job_steps import claimed, expire, new_tenant
from tests.support.live_writing import PLATFORM, TENANT, until, writing
from tests.support.tables_of import rows_of

HERE = ChannelRef(tenant_platform_id="1", platform_id="5")


async def _nothing(_: str | None) -> None: ...


class Platform:
    """A session of a platform with one channel, of which a page holds two messages."""

    page_size = 2
    receives_changes = True
    stream = Stream("first", 0)

    def __init__(self, *numbers: int) -> None:
        self.numbers = list(numbers)
        self.before: Callable[[str | None], Awaitable[None]] = _nothing  # called with each request; may wait, and raise

    async def messages(self, _: str, after: str | None, **__: object) -> MessagePage:
        await self.before(after)
        page = tuple(message(number) for number in self.numbers if number > int(after or 0))[: self.page_size]
        return MessagePage(messages=page, reached=page[-1].platform_id if page else None, is_full=len(page) == 2)


class Process:
    """A process that has just been started: what it follows, and its job."""

    def __init__(self, db: Database, platform: Platform, live: LiveWriter, job: JobContext) -> None:
        self.db, self.platform, self.live, self.job = db, platform, live, job

    async def list_channels(self) -> list[ChannelState]:
        """List the channel, and follow it from its reading on; return it if it has to be read."""
        assert not self.live.followed.is_begun(TENANT), "a restart forgets all following"
        listing = Listing(stream=self.platform.stream, began=time.monotonic(), began_at=NOW)
        await save_channels(
            self.db, TENANT, [channel("5", last_message_platform_id=str(self.platform.numbers[-1]))], NOW
        )
        news = [s async for some in channels_to_be_read(self.db, TENANT) for s in some if s.has_news]
        self.live.followed.begin(TENANT, listing, unread={s.platform_id for s in news}, seen_at=time.monotonic())
        return news

    async def read(self) -> None:
        for state in await self.list_channels():
            await self.reader(state).run()

    def reader(self, state: ChannelState) -> ChannelReader:
        return ChannelReader(self.job, state, ChannelEstimator(page_size=2, since=None, head_at=None, counted=None))

    def hear(self, number: int) -> None:
        self.platform.numbers.append(number)
        self.submit(number)

    def submit(self, number: int) -> None:
        self.live.submit(PLATFORM, MessageCreated(channel=HERE, message=message(number)))


async def started(db: Database, platform: Platform) -> Process:
    adapter = SimpleNamespace(stream=lambda _: platform.stream, division=UNDIVIDED, held=())
    live = LiveWriter(db, {PLATFORM: adapter}, "me", Clock())  # type: ignore[dict-item]
    live.following.connected(PLATFORM, [TENANT])
    await live.following.renew()
    await enqueue(db, TENANT, JobKind.SCHEDULED, now=NOW)
    await expire(db)  # the lease of the process before
    job = JobContext(
        db=db,
        session=platform,  # type: ignore[arg-type]
        tenant_id=TENANT,
        lease=(await claimed(db))[1],
        progress=Progress(),
        live=live,
        config=SyncConfig().model_copy(update={"batch_size": 2}),  # a commit for each page
        clock=Clock(),
        metrics=Metrics(),
        due=None,
    )
    return Process(db, platform, live, job)


@pytest.fixture
async def db(tmp_path: Any) -> AsyncIterator[Database]:
    """An archive with a tenant."""
    opened = await open_database(f"sqlite+aiosqlite:///{tmp_path}/archive.db", hash_choice=SHA)
    await new_tenant(opened, 1)
    yield opened
    await opened.close()


class Killed(BaseException):
    """The process is gone, so that nothing of it goes on."""


@contextmanager
def killed_after(db: Database, commits: int) -> Iterator[None]:
    """Refuse every commit but the first ones."""
    left = iter(range(commits))

    def refuse(connection: Connection) -> None:
        if next(left, None) is None:
            connection.connection.rollback()
            raise Killed

    event.listen(db._writer.sync_engine, "commit", refuse)
    try:
        yield
    finally:
        event.remove(db._writer.sync_engine, "commit", refuse)


async def stored(db: Database) -> list[int]:
    return sorted(int(row["platform_id"]) for row in await rows_of(db, messages))


async def state_of(db: Database) -> tuple[str | None, int, bool]:
    (state,) = await channel_states(db, TENANT)
    return state.checkpoint_id, state.messages_archived, state.is_read_to_end


@pytest.mark.slow
async def test_killed_after_any_commit_the_next_process_goes_on_without_a_hole(db: Database) -> None:
    """Between a page and the end of the reading, between that and the first event, and wherever else one commits."""
    platform = Platform()
    for commits in count():
        platform.numbers += [len(platform.numbers) + n for n in (1, 2, 3)]
        process, is_killed = await started(db, platform), False
        try:
            with killed_after(db, commits):
                await process.read()
                process.hear(len(platform.numbers) + 1)
                await process.live.catch_up(TENANT)
        except Killed:
            is_killed = True
            process = await started(db, platform)
            await process.read()
        newest = platform.numbers[-1]
        assert await stored(db) == platform.numbers
        assert await state_of(db) == (str(newest), newest, True)
        assert process.live.followed.is_followed(TENANT, "5")
        if not is_killed:
            break
    assert commits >= 4, "the listing, the pages, the end and the event are committed apart"


async def test_events_are_stored_while_a_page_does_not_come(db: Database) -> None:
    platform = Platform(1, 2, 3)
    process = await started(db, platform)
    is_requested, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: str | None) -> None:
        is_requested.set()
        await go_on.wait()

    platform.before = wait
    reading = asyncio.create_task(process.read())
    await is_requested.wait()
    async with writing(process.live):
        process.hear(4)
        await until(lambda: stored(db), [4])
    go_on.set()
    await reading
    assert await stored(db) == [1, 2, 3, 4]
    assert await state_of(db) == ("4", 4, True)


async def test_a_page_of_nothing_but_stored_messages_proves_nothing(db: Database) -> None:
    """They were stored from their events; what was written before, while no process ran, was missed."""
    await (await started(db, platform := Platform(1, 2))).read()
    platform.numbers += range(3, 9)
    process = await started(db, platform)
    for number in (5, 6):
        process.submit(number)
    await process.live.catch_up(TENANT)
    assert await stored(db) == [1, 2, 5, 6]
    await process.read()
    assert await stored(db) == platform.numbers
    assert await state_of(db) == ("8", 8, True)


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancelled", "rate-limited"])
async def test_what_was_fetched_is_kept_where_the_reading_is_broken_off_before_its_commit(
    db: Database, is_cancelled: bool
) -> None:
    platform = Platform(*range(1, 7))
    process = await started(db, platform)
    is_requested = asyncio.Event()

    async def break_off(after: str | None) -> None:
        if after == "2":
            assert await stored(db) == []
            is_requested.set()
            if is_cancelled:
                await asyncio.Event().wait()
            raise RateLimited(retry_after_seconds=1.0, scope="user")

    platform.before = break_off
    reading = asyncio.create_task(process.read())
    await is_requested.wait()
    if is_cancelled:
        reading.cancel()
    with pytest.raises((asyncio.CancelledError, RateLimited)):
        await reading
    assert await stored(db) == [1, 2]
    assert await state_of(db) == ("2", 2, False)
    assert not process.live.followed.is_followed(TENANT, "5")
    platform.before = _nothing
    await (await started(db, platform)).read()
    assert await stored(db) == platform.numbers


async def test_what_was_read_within_an_earlier_stream_is_not_followed_in_the_next(db: Database) -> None:
    process = await started(db, platform := Platform(1, 2, 3))
    (state,) = await process.list_channels()

    async def begin_another(after: str | None) -> None:
        platform.stream = Stream(f"begun after {after}", 0)

    platform.before = begin_another
    await process.reader(state).run()
    assert not process.live.followed.is_read(TENANT, "5")
