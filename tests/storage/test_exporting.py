"""A person's data: all that is held about them, nothing that is not, a part at a time."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from storage.database import Database
from storage.messages import mark_deleted
from storage.privacy import erase_user, export_user
from tests.support.builders import HOUR, NOW, attachment, both_totals, message, total
from tests.support.erasure_steps import OTHER, WHO, another, fill
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import run_sql


async def exported(db: Database, tenant_id: str | None, who: str = WHO) -> list[dict[str, Any]]:
    return [row async for row in export_user(db, who, tenant_id=tenant_id)]


async def test_everything_about_a_person(db: Database, way: Way) -> None:
    await fill(way, WHO)
    await mark_deleted(db, way.channel.id, ["1"], job=way.lease, now=LATER)
    rows = await exported(db, way.tenant.id)
    kinds = [row["kind"] for row in rows]
    assert kinds == [
        *("channel", "channel"),
        *("message", "reply", "mention", "mention"),
        *("attachment", "attachment", "attachment"),
        *("reaction", "reaction"),
    ]
    place = {"tenant_id": way.tenant.id, "channel_id": "5", "channel_name": f"room of <@{WHO}>"}
    assert rows[2] == {
        "kind": "message",
        **place,
        "message_id": "1",
        "type": "default",
        "sent_at": message(1).sent_at,
        "edited_at": NOW,
        "deleted_at": LATER,
        "content": f"I am <@{WHO}>",
        "reply_to_channel_id": "5",
        "reply_to_message_id": "0",
        "metadata": {"mentions": [WHO, OTHER]},
    }
    assert [row["message_id"] for row in rows[2:9]] == ["1", "2", "3", "4", "1", "1", "5"]
    assert rows[6] == {
        "kind": "attachment",
        **place,
        "message_id": "1",
        "attachment_id": "11",
        "filename": "cat.png",
        "size_bytes": 12_345,
        "content_type": "image/png",
        "url": attachment("11").url,
        "url_expires_at": NOW + HOUR,
        "metadata": {"width": 640},
    }
    given = {"kind": "reaction", **place, "first_seen_at": NOW}
    assert rows[9:] == [
        given | {"message_id": "1", "emoji": "👍", "burst": False},
        given | {"message_id": "3", "emoji": "🎉", "burst": True},
    ]
    assert orjson.dumps(rows)


@pytest.mark.slow
async def test_of_one_tenant_or_of_all(db: Database, way: Way) -> None:
    await fill(way, WHO)
    other = await another(way)
    await fill(other, WHO)
    assert {row["tenant_id"] for row in await exported(db, other.tenant.id)} == {other.tenant.id}
    every = await exported(db, None)
    assert every == await exported(db, way.tenant.id) + await exported(db, other.tenant.id)
    assert await exported(db, "discord-404") == []
    assert await exported(db, None, "9" * 64) == []


@pytest.mark.slow
async def test_of_much_nothing_is_left_out_or_exported_twice(db: Database, way: Way) -> None:
    records = [
        message(n, author_hash=WHO if n % 3 else OTHER, reaction_totals=(total("👍", 2), *both_totals("🎉", 1, 1)))
        for n in range(1, 501)
    ]
    await way.store(*(replace(m, sent_at=NOW) for m in records[:20]), *records[20:])
    await run_sql(
        db,
        "INSERT INTO reactions"
        " (channel_id, message_platform_id, emoji_key, user_hash, burst, emoji, created_at, updated_at)"
        " SELECT channel_id, message_platform_id, emoji_key, :who, burst, emoji, created_at, updated_at"
        " FROM reaction_totals",
        who=WHO,
    )
    rows = [row async for row in export_user(db, WHO, tenant_id=None, window=7)]
    assert len([row for row in rows if row["kind"] == "message"]) == 334
    given = [(row["message_id"], row["emoji"], row["burst"]) for row in rows if row["kind"] == "reaction"]
    assert len(given) == len(set(given)) == 1500


async def test_once_forgotten_the_request_is_left(db: Database, way: Way) -> None:
    await fill(way, WHO)
    await erase_user(db, WHO, tenant_id=way.tenant.id, now=NOW)
    await erase_user(db, WHO, tenant_id=None, now=LATER)
    requests = [
        {"kind": "forgotten", "tenant_id": "", "forgotten_at": LATER},
        {"kind": "forgotten", "tenant_id": way.tenant.id, "forgotten_at": NOW},
    ]
    assert await exported(db, None) == requests
    assert await exported(db, way.tenant.id) == requests
    assert await exported(db, "discord-404") == requests[:1]


async def test_what_is_no_hash_is_refused(db: Database) -> None:
    with pytest.raises(ValueError):
        await exported(db, None, "abc")
