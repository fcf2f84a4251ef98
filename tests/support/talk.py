"""A channel in which people talked over two days: ids of two lengths, replies, a thread, files and reactions."""

from dataclasses import replace
from typing import Any

from adapters.records import ChannelType, MessageRecord, SkipReason
from storage.channels import channel_states, save_channels, save_threads
from storage.database import open_database
from storage.jobs import JobStatus, finish
from storage.messages import mark_deleted
from storage.reading import ShownChannel, channel_of
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA, attachment, channel, message, thread, total
from tests.support.job_steps import running_job
from tests.support.repair_steps import Way

ANN, BOB = "a" * 64, "b" * 64
DAY = 86_400  # messages: their numbers are seconds
MORNING = message(95).sent_at.date()
NUMBERS = [*range(95, 106), *range(DAY + 1, DAY + 4)]
"""Of the messages of the channel; those from 101 to 103 were sent at one instant."""


def _spoken(number: int) -> MessageRecord:
    record = message(number, author_hash=BOB if number % 2 else ANN)
    return replace(record, sent_at=message(101).sent_at) if 101 < number <= 103 else record


def talk() -> list[MessageRecord]:
    """The messages of the channel ``5``, the oldest first."""
    spoken = {number: _spoken(number) for number in NUMBERS}
    to: dict[str, Any] = {"reply_to_channel_platform_id": "5", "reply_to_author_hash": ANN, "type": "reply"}
    files = (attachment("700"), attachment("701", filename="notes.txt", content_type=None, size_bytes=None))
    more: dict[int, dict[str, Any]] = {
        96: {"attachments": files, "reaction_totals": (total("👍", 3), total("🎉", 5, burst=True))},
        98: {**to, "reply_to_message_platform_id": "96"},
        99: {**to, "reply_to_message_platform_id": "96"},
        100: {"metadata": {"thread_id": "100"}, "edited_at": NOW},
        104: {**to, "reply_to_message_platform_id": "1"},  # which is not archived
        105: {"author_hash": None, "content": "", "metadata": {"forgotten": True}},
    }
    return [replace(record, **more.get(number, {})) for number, record in spoken.items()]


async def fill_talk(way: Way) -> ShownChannel:
    """Store the channel in its category, with two threads, and return it."""
    tenant = way.tenant.id
    category = channel("4", type=ChannelType.CATEGORY, skip_reason=SkipReason.UNSUPPORTED)
    await save_channels(way.db, tenant, [category, channel("5", parent_platform_id="4")], NOW)
    await save_threads(way.db, tenant, "5", [thread("100", "5"), thread("200", "5")], {}, NOW)
    await way.store(*talk())
    post = await channel_of(way.db, tenant, "100")
    assert post is not None
    to: dict[str, Any] = {"reply_to_channel_platform_id": "5", "reply_to_message_platform_id": "96", "type": "reply"}
    await way.store(message(150, **to), message(151), channel_id=post.id)
    found = await channel_of(way.db, tenant, "5")
    assert found is not None
    return found


async def archive_talk(url: str, *more: MessageRecord) -> None:
    """Make an archive at a URL that holds the channel, with 97 and 99 deleted, and more messages in it.

    The bot is not in its community.
    """
    db = await open_database(url, hash_choice=SHA)
    try:
        tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
        lease = await running_job(db, tenant.id)
        await save_channels(db, tenant.id, [channel("5")], NOW)
        way = Way(db, tenant, (await channel_states(db, tenant.id))[0], lease)
        await fill_talk(way)
        if more:
            await way.store(*more)
        await mark_deleted(db, way.channel.id, ["97", "99"], job=lease, now=NOW)
        await finish(db, lease, status=JobStatus.SUCCEEDED, totals={}, error=None, now=NOW)
    finally:
        await db.close()
