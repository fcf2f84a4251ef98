"""A live writer, what it is sent, and what it has written."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from adapters.events import ChannelChanged, ChannelRef, MessageInvalidated, MessagesDeleted
from adapters.records import ChannelRecord, SkipReason
from bot.live import LiveWriter
from storage.channels import channel_states, save_channels
from storage.database import Database, open_database
from storage.messages import MessageBatch, save_batch
from storage.tables import channels, messages, tenants
from tests.support.builders import NOW, channel, message, skipped, thread
from tests.support.daemon import Clock
from tests.support.job_steps import new_tenant, running_job
from tests.support.patience import PATIENCE_SECONDS
from tests.support.tables_of import rows_of

PLATFORM, TENANT, OTHER = "discord", "discord-1", "discord-2"
PUBLIC = channel("5")
PRIVATE = skipped(PUBLIC, SkipReason.NOT_PUBLIC)


@asynccontextmanager
async def archive(url: str) -> AsyncIterator[Database]:
    """Two tenants; the first has a channel with a thread and three messages."""
    db = await open_database(url, hash_choice="sha256")
    try:
        for number in (1, 2):
            await new_tenant(db, number)
        await save_channels(db, TENANT, [PUBLIC, thread("6", "5")], NOW)
        await save_channels(db, OTHER, [PUBLIC], NOW)
        lease = await running_job(db, TENANT)
        (stored, *_) = await channel_states(db, TENANT)
        batch = MessageBatch(
            tenant_id=TENANT, channel_id=stored.id, messages=[message(n) for n in (1, 2, 3)], job=lease
        )
        await save_batch(db, batch, NOW)
        yield db
    finally:
        await db.close()


async def leading(db: Database, owner: str = "me") -> LiveWriter:
    live = LiveWriter(db, {}, owner, Clock())
    live.following.connected(PLATFORM, [TENANT, OTHER])
    await live.following.renew()
    return live


def hear(live: LiveWriter, record: ChannelRecord = PRIVATE, tenant_platform_id: str = "1") -> None:
    live.submit(PLATFORM, ChannelChanged(tenant_platform_id=tenant_platform_id, record=record))


def hear_of(live: LiveWriter, *deleted: int, invalidated: int | None = None) -> None:
    place = ChannelRef(tenant_platform_id="1", platform_id="5")
    if deleted:
        live.submit(PLATFORM, MessagesDeleted(channel=place, message_platform_ids=tuple(map(str, deleted))))
    if invalidated:
        live.submit(PLATFORM, MessageInvalidated(channel=place, message_platform_id=str(invalidated)))


async def hidden(db: Database) -> list[tuple[str, str]]:
    rows = await rows_of(db, channels)
    return [(row["tenant_id"], row["platform_id"]) for row in rows if row["skip_reason"] is not None]


async def deleted(db: Database) -> list[str]:
    return [row["platform_id"] for row in await rows_of(db, messages) if row["deleted_at"] is not None]


async def audited(db: Database) -> list[str]:
    return [row["id"] for row in await rows_of(db, tenants) if row["audit_requested_at"] is not None]


@asynccontextmanager
async def writing(live: LiveWriter) -> AsyncIterator[None]:
    running = asyncio.create_task(live.run())
    try:
        yield
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(look: Callable[[], Awaitable[Any]], expected: object) -> None:
    """Wait until that is what is seen."""
    found = None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (found := await look()) != expected:  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"it is {found!r}") from None
