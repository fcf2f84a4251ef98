"""What changes while it is stored is never stored without a note to read it again, whatever comes next."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event

from adapters.errors import CallFailed
from adapters.events import ChannelChanged, ChannelRef, MessagesDeleted
from adapters.pages import MessagePage
from adapters.records import ChannelRecord, SkipReason
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sections import SyncConfig
from bot.sync import JobContext, Progress
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.messages import ChannelReader
from bot.sync.outcomes import ChannelOutcome
from storage.channels import ProgressState, channel_states, save_channels
from storage.database import Database, open_database
from storage.tables import messages, refetch_ranges
from tests.support.builders import NOW, channel, message, skipped
from tests.support.daemon import Clock
from tests.support.faults import Killed, killed_before
from tests.support.job_steps import new_tenant, running_job
from tests.support.tables_of import rows_of

TENANT = "discord-1"
LISTED = channel("5", last_message_platform_id="2")


class OnePage:
    """A session of a platform that has one page of one channel."""

    page_size = 100
    receives_changes = True
    stream = None

    async def messages(self, *_: Any, **__: Any) -> MessagePage:
        """Return the page."""
        return MessagePage(messages=(message(1), message(2)), reached="2", is_full=False)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An archive with a channel of which nothing is read."""
    opened = await open_database(database_url, hash_choice="sha256")
    await new_tenant(opened, 1)
    await save_channels(opened, TENANT, [LISTED], NOW)
    yield opened
    await opened.close()


async def job_of(db: Database, live: LiveWriter) -> JobContext:
    session: Any = OnePage()
    return JobContext(
        db=db,
        session=session,
        tenant_id=TENANT,
        lease=await running_job(db, TENANT),
        progress=Progress(),
        live=live,
        config=SyncConfig(),
        clock=Clock(),
        metrics=Metrics(),
        due=None,
    )


@pytest.mark.parametrize("is_hidden_again", [True, False])
async def test_a_listing_shows_a_channel_whose_hiding_is_older_and_not_written_yet(
    db: Database, is_hidden_again: bool
) -> None:
    live = LiveWriter(db, {}, "me", Clock())
    job = await job_of(db, live)
    hiding = ChannelChanged(tenant_platform_id="1", record=skipped(LISTED, SkipReason.NOT_PUBLIC))
    live.submit("discord", hiding)
    await asyncio.sleep(0.001)  # the listing begins later

    async def channels(*, only_channels: bool = False) -> tuple[ChannelRecord, ...]:
        if is_hidden_again:
            live.submit("discord", hiding)
        return (LISTED,)

    job.session.channels = channels  # type: ignore[method-assign]
    await job.list_channels()
    await live.write_channels(TENANT)
    (state,) = await channel_states(db, TENANT)
    assert state.skip_reason == (SkipReason.NOT_PUBLIC if is_hidden_again else None)


@pytest.mark.parametrize("is_killed", [True, False])
async def test_a_message_that_is_deleted_while_its_page_is_stored(db: Database, is_killed: bool) -> None:
    live = LiveWriter(db, {}, "me", Clock())
    job = await job_of(db, live)
    (state,) = await channel_states(db, TENANT)
    reader = ChannelReader(job, state, ChannelEstimator(page_size=100, since=None, head_at=None, counted=None))
    deleted = MessagesDeleted(channel=ChannelRef(tenant_platform_id="1", platform_id="5"), message_platform_ids=("1",))

    def hear(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO messages"):
            live.submit("discord", deleted)

    event.listen(db._writer.sync_engine, "before_cursor_execute", hear)
    if is_killed:
        with killed_before(db, "INSERT INTO refetch_ranges"), pytest.raises(Killed):
            await reader.run()
        assert await rows_of(db, messages) == []
    else:
        await reader.run()
        assert [row["until_platform_id"] for row in await rows_of(db, refetch_ranges)] == ["1"]


async def test_a_channel_that_gives_up_while_it_is_noted_as_read_has_failed(db: Database) -> None:
    job = await job_of(db, LiveWriter(db, {}, "me", Clock()))
    (state,) = await channel_states(db, TENANT)
    given_up = list[asyncio.Task[None]]()

    def hear(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO sync_progress") and not given_up:
            failure = CallFailed("its archived threads cannot be listed", attempts=4)
            given_up.append(asyncio.get_running_loop().create_task(job.give_up(state, failure)))

    event.listen(db._writer.sync_engine, "before_cursor_execute", hear)
    await job.settle(state, None, None, read_since=0.0)
    await asyncio.gather(*given_up)
    assert job.progress.channels.get("5") is ChannelOutcome.FAILED
    (after,) = await channel_states(db, TENANT)
    assert (after.state, after.is_read_to_end) == (ProgressState.FAILED, True)
    assert after.last_error is not None
