"""Whether what a reply answers is deleted: the platform may leave that out, and the archive know it all the same."""

from typing import Any

from adapters.records import MessageRecord
from storage.database import Database
from storage.messages import mark_deleted
from storage.tables import messages
from tests.support.builders import NOW, message
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import rows_of

CHANNEL = "5"  # of Way


def reply(number: int, to: int, channel: str = CHANNEL, **changes: Any) -> MessageRecord:
    own = {"reply_to_channel_platform_id": channel, "reply_to_message_platform_id": str(to), "type": "reply"}
    return message(number, **own | changes)


async def flagged(db: Database) -> list[str]:
    return [row["platform_id"] for row in await rows_of(db, messages) if row["metadata"].get("reply_deleted")]


async def test_what_answers_a_message_that_is_stored_as_deleted_says_so(db: Database, way: Way) -> None:
    await way.store(message(2), message(3))
    await mark_deleted(db, way.channel.id, ["2"], job=way.lease, now=NOW)
    await way.store(
        reply(5, to=2),
        reply(6, to=3),
        reply(7, to=2, channel="77"),
        reply(8, to=2, reply_to_author_hash="b" * 64),  # the platform shows it
        reply(9, to=1),  # not stored: nobody knows
    )
    assert await flagged(db) == ["5"]


async def test_one_that_was_deleted_later_is_known_once_the_reply_is_read_again(db: Database, way: Way) -> None:
    await way.store(message(2), reply(5, to=2))
    await mark_deleted(db, way.channel.id, ["2"], job=way.lease, now=LATER)
    assert await flagged(db) == []
    outcome = await way.save(await way.audit(), reply(5, to=2))
    assert (outcome.changed, await flagged(db)) == (0, ["5"])


async def test_what_was_said_stays_when_it_is_said_no_more(db: Database, way: Way) -> None:
    told = reply(5, to=1, channel="77", metadata={"pinned": True, "reply_deleted": True})
    await way.store(message(2), told)
    outcome = await way.save(await way.audit(), message(2), reply(5, to=1, channel="77", metadata={"pinned": True}))
    assert (outcome.changed, await flagged(db)) == (0, ["5"])
    await way.store(reply(5, to=1, channel="77", content="edited"))
    (row,) = [row for row in await rows_of(db, messages) if row["platform_id"] == "5"]
    assert (row["content"], row["metadata"]) == ("edited", {"reply_deleted": True})
