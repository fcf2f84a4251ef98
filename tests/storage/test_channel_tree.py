"""Channels as a tree: those at the top with the figures of their threads, and the threads page by page."""

from adapters.records import ChannelType
from storage.channels import (
    ChannelState,
    channel_states,
    channel_tree,
    fail_channel,
    newest_threads,
    save_channels,
    thread_summaries,
)
from storage.database import Database
from storage.jobs import JobLease
from storage.messages import MessageBatch, save_batch
from storage.tenants import Tenant
from tests.support.builders import NOW, channel, message, thread


async def test_a_tree_has_its_threads_by_figures_and_by_pages(
    db: Database, tenant: Tenant, general: ChannelState, lease: JobLease
) -> None:
    records = [
        channel("6", type=ChannelType.FORUM, metadata={"position": -1}),
        *(thread(str(n), "5") for n in range(10, 14)),
        thread("20", "6"),
    ]
    await save_channels(db, tenant.id, records, NOW)
    ids = {state.platform_id: state.id for state in await channel_states(db, tenant.id)}
    for platform_id, many in (("5", 1), ("10", 2), ("11", 3)):
        kept = [message(n) for n in range(1, many + 1)]
        batch = MessageBatch(tenant_id=tenant.id, channel_id=ids[platform_id], messages=kept, job=lease)
        await save_batch(db, batch, NOW)
    await fail_channel(db, ids["12"], error={"code": "x"}, job=lease, now=NOW)
    tree = await channel_tree(db, tenant.id)
    assert [(top.summary.platform_id, top.threads, top.thread_messages) for top in tree] == [("6", 1, 0), ("5", 4, 5)]
    assert [(top.summary.messages_archived, top.threads_with_errors) for top in tree] == [(0, 0), (1, 1)]
    pages = [await thread_summaries(db, general.id, limit=3)]
    while pages[-1]:
        pages.append(await thread_summaries(db, general.id, after=pages[-1][-1].id, limit=3))
    assert [[row.platform_id for row in page] for page in pages] == [["13", "12", "11"], ["10"], []]
    newest = await newest_threads(db, tenant.id, limit=2)
    assert [(row.platform_id, row.parent_platform_id) for row in newest] == [("20", "6"), ("13", "5")]
    assert (await channel_tree(db, "discord-other"), await newest_threads(db, "discord-other", limit=9)) == ([], [])
