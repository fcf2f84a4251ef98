"""What changes while it is stored is never stored without a note to read it again, whatever comes next."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import event

from adapters.events import ChannelRef, MessagesDeleted
from adapters.pages import MessagePage
from bot.config import SyncConfig
from bot.live import LiveWriter
from bot.metrics import Metrics
from bot.sync import JobContext, Progress
from bot.sync.channel_estimator import ChannelEstimator
from bot.sync.messages import ChannelReader
from storage.channels import channel_states, save_channels
from storage.database import Database, open_database
from storage.tables import messages, refetch_ranges
from tests.support.builders import NOW, channel, message
from tests.support.daemon import Clock
from tests.support.faults import Killed, killed_before
from tests.support.job_steps import new_tenant, running_job
from tests.support.tables_of import rows_of

TENANT = "discord-1"


class OnePage:
    """A session of a platform that has one page of one channel."""

    page_size = 100
    receives_changes = True

    async def messages(self, *_: Any, **__: Any) -> MessagePage:
        """Return the page."""
        return MessagePage(messages=(message(1), message(2)), reached="2", is_full=False)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """An archive with a channel of which nothing is read."""
    opened = await open_database(database_url, hash_choice="sha256")
    await new_tenant(opened, 1)
    await save_channels(opened, TENANT, [channel("5", last_message_platform_id="2")], NOW)
    yield opened
    await opened.close()


@pytest.mark.parametrize("is_killed", [True, False])
async def test_a_message_that_is_deleted_while_its_page_is_stored(db: Database, is_killed: bool) -> None:
    live = LiveWriter(db, {}, "me", Clock())
    session: Any = OnePage()
    job = JobContext(
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
