"""What the hourly round and the API ask an archive that ``filling`` has filled, one call each."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from storage import channels, jobs, reactions, reading, repair, tenants
from storage.database import Database
from storage.jobs import JobKind, JobStatus
from tests.support.builders import HOUR, MINUTE, NOW
from tests.support.job_steps import running_job

TENANT = "discord-1"
Call = Callable[[Database], Awaitable[Any]]
HOURLY: dict[str, Call] = {
    "due tenants": lambda db: jobs.due_tenants(db, platform="discord", before=NOW),
    "due audits": lambda db: repair.audits_due(db, "discord", before=NOW),
    "enqueue": lambda db: jobs.enqueue(db, "discord-2", JobKind.SCHEDULED, now=NOW),
    "a job from its claim to its end": lambda db: _run_a_job(db),
    "channels to be read": lambda db: _all(channels.channels_to_be_read(db, TENANT)),
    "channels to be found": lambda db: channels.channels_to_be_found(db, TENANT, listed=["5"], missed=["6"]),
    "channels by their ids": lambda db: channels.named_channels(db, TENANT, ["5"]),
    "follow parents": lambda db: channels.follow_parents(db, TENANT, NOW),
    "pending channels": lambda db: reactions.pending_channels(db, TENANT, users_per_request=100),
    "pending totals": lambda db: reactions.pending_totals(db, 1, None, 100),
    "pending ranges": lambda db: _all(repair.pending_ranges(db, TENANT)),
    "settle gaps": lambda db: repair.settle_gaps(db, TENANT, now=NOW),
    "put back what nobody runs": lambda db: jobs.release_orphans(db, NOW),
}
API: dict[str, Call] = {
    "a tenant": lambda db: tenants.get_tenant(db, TENANT),
    "tenants": tenants.list_tenants,
    "a tenant's totals": lambda db: tenants.tenant_totals(db, TENANT),
    "freshness": tenants.freshness,
    "channels": lambda db: channels.channel_summaries(db, TENANT, limit=10),
    "the tree of channels": lambda db: channels.channel_tree(db, TENANT),
    "threads of a channel": lambda db: channels.thread_summaries(db, 1, limit=10),
    "newest threads": lambda db: channels.newest_threads(db, TENANT, limit=10),
    "coverage": lambda db: repair.coverage(db, TENANT),
    "audits": lambda db: repair.channel_audits(db, TENANT),
    "differing audits": lambda db: repair.channel_audits(db, TENANT, only_differing=True),
    "gaps": lambda db: repair.list_gaps(db, TENANT),
    "a tenant's jobs": lambda db: jobs.list_jobs(db, tenant_id=TENANT),
    "a tenant's jobs that have ended": lambda db: jobs.list_jobs(db, tenant_id=TENANT, only_finished=True),
    "failed jobs": lambda db: jobs.list_jobs(db, status=JobStatus.FAILED),
    "audit jobs": lambda db: jobs.list_jobs(db, kind=JobKind.AUDIT),
    "the newest job": lambda db: jobs.newest_job(db, TENANT),
    "a job": lambda db: jobs.get_job(db, "job 1000001"),
    "the queue": lambda db: jobs.queue(db, now=NOW),
    "figures": lambda db: jobs.queue_figures(db, NOW),
    "whether a job is due": lambda db: jobs.has_due_jobs(db, NOW),
    "durations": lambda db: jobs.last_durations(db, [TENANT]),
}
READING: dict[str, Call] = {
    "threads of a channel": lambda db: _of_channel(db, reading.threads_of),
    "the newest messages": lambda db: _of_channel(db, reading.messages_before, None, 50),
    "the first messages": lambda db: _of_channel(db, reading.messages_after, None, 50),
    "messages around one": lambda db: _of_channel(db, reading.messages_around, "1000300", 50),
    "messages around one that is not stored": lambda db: _of_channel(db, reading.messages_around, "1000301", 50),
    "a day": lambda db: _of_channel(db, reading.day_window, NOW.date(), 50),
    "a conversation": lambda db: _of_channel(db, reading.conversation_of, "1000300"),
    "where a message is": lambda db: reading.channel_holding(db, TENANT, "1000300"),
    "a channel by its name": lambda db: reading.channels_called(db, TENANT, "channel 100"),
    "days with messages": lambda db: _of_channel(db, reading.days_with_messages, NOW.year, NOW.month),
    "holes": lambda db: _of_channel(db, reading.holes_of),
    "where messages stand": lambda db: _outlines(db),
    "links between messages": lambda db: _links(db),
    "statistics of a time": lambda db: reading.statistics(db, TENANT, since=NOW, until=NOW + MINUTE),
}


async def _of_channel(db: Database, call: Callable[..., Awaitable[Any]], *arguments: object) -> None:
    channel = await reading.channel_of(db, TENANT, "100")
    assert channel is not None
    await call(db, channel, *arguments)


async def _outlines(db: Database) -> None:
    channel = await reading.channel_of(db, TENANT, "100")
    assert channel is not None
    async with db.asking() as connection:
        await reading.outlines(connection, channel.id, reading.FIRST, 50)


async def _links(db: Database) -> None:
    channel = await reading.channel_of(db, TENANT, "100")
    assert channel is not None
    place: dict[str, Any] = {"reply_to_channel_platform_id": "100", "reply_to_message_platform_id": "7"}
    shown = [replace(m, **place) for m in (await reading.messages_before(db, channel, None, 50)).messages]
    async with db.asking() as connection:
        await reading.originals_of(connection, TENANT, shown)
        await reading.answers_to(connection, channel, shown)
        await reading.threads_on(connection, channel, shown)


async def _all(pages: AsyncIterator[object]) -> None:
    async for _ in pages:
        pass


async def _run_a_job(db: Database) -> None:
    lease = await running_job(db, TENANT)
    await jobs.renew(db, lease, now=NOW, totals={})
    cursor = "1"
    await repair.plan_refetches(db, TENANT, lookback=HOUR, cursor_at=lambda _: cursor, page_size=9, job=lease, now=NOW)
    await jobs.finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
