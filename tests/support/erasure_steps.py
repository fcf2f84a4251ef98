"""A person in every place there is, and where they are found."""

from dataclasses import replace
from typing import Any

from adapters.discord.convert.copies import copies
from adapters.records import ChannelRecord, MessageRecord
from storage.channels import channel_states, save_channels
from storage.database import Database
from storage.privacy import Erased, erase_user
from storage.reactions import pending_totals
from storage.tables import metadata
from tests.support.builders import NOW, attachment, channel, message, thread, total
from tests.support.job_steps import new_tenant, running_job
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import rows_of
from tests.support.user_lists import save_list

WHO, OTHER = "0123456789abcdef" * 4, "f" * 64


def copying(record: MessageRecord) -> MessageRecord:
    """Let a record say what it repeats of others, as the adapter does."""
    return replace(record, copies=copies(record.type, record.metadata))


def naming(who: str) -> list[MessageRecord]:
    """Make a person's message, answers to it, and messages that name them in every place there is."""
    theirs = message(
        1,
        author_hash=who,
        content=f"I am <@{who}>",
        edited_at=NOW,
        reply_to_channel_platform_id="5",
        reply_to_message_platform_id="0",
        reply_to_author_hash=OTHER,
        metadata={"mentions": [who, OTHER]},
        attachments=(attachment("11"), attachment("12")),
        reaction_totals=(total("👍", 2),),
    )
    answer = message(2, reply_to_channel_platform_id="5", reply_to_message_platform_id="1", reply_to_author_hash=who)
    text = message(
        3, content=f"<@{who}>, <@{OTHER}>, user:{who} and abc{who}def", reaction_totals=(total("🎉", burst=True),)
    )
    hidden = message(4, metadata={"interaction": {"user_hash": who, "n": 1}, "mentions": [OTHER, who]})
    file = attachment("51", filename=f"of-{who}.png", metadata={"by": who, "width": 1})
    return [theirs, answer, text, hidden, message(5, attachments=(file,)), message(6, content=f"about <@{OTHER}>")]


def channel_ref_of(who: str) -> list[ChannelRecord]:
    """Make channels that name a person."""
    return [
        channel("5", name=f"room of <@{who}>"),
        thread("6", "5", name=None, metadata={"owner_hash": who, "message_count": 1}),
    ]


async def give(way: Way, *users: str) -> None:
    """Store the first of these as the users of everything that is pending."""
    for each in await pending_totals(way.db, way.channel.id, None, 100):
        givers = users[: each.expected]
        await save_list(way.db, each, user_hashes=givers, job=way.lease, now=NOW)


async def fill(way: Way, who: str) -> None:
    """Store a person in every place there is."""
    await save_channels(way.db, way.tenant.id, channel_ref_of(who), NOW)
    await way.store(*naming(who))
    await give(way, who, OTHER)


async def holdings(db: Database, *without: str) -> dict[str, list[dict[str, Any]]]:
    """Read everything that is stored."""
    return {t.name: await rows_of(db, t) for t in metadata.sorted_tables if t.name not in without}


async def is_anywhere(db: Database, who: str) -> bool:
    """Find out whether a person is stored anywhere but in the erasure request itself."""
    return who in str(await holdings(db, "erased_users"))


async def another(way: Way, platform_id: str = "200") -> Way:
    """Make another tenant with a channel and a job."""
    tenant_id = await new_tenant(way.db, platform_id)
    lease = await running_job(way.db, tenant_id)
    await save_channels(way.db, tenant_id, [channel("5")], NOW)
    (state,) = await channel_states(way.db, tenant_id)
    return Way(way.db, replace(way.tenant, id=tenant_id), state, lease)


async def erase(db: Database, tenant_id: str | None) -> Erased:
    """Erase the person."""
    return await erase_user(db, WHO, tenant_id=tenant_id, now=LATER)
