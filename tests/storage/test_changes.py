"""The feed of changes: whoever follows it has what the archive has, whatever is written, by whom, in which order."""

import asyncio
from dataclasses import replace

import pytest

from adapters.records import MessageRecord
from storage import messages as stored
from storage.changes import ChangePlace, StartAnew, changes_after, number_changes, read_place
from storage.database import Database
from storage.live import apply_changes
from storage.privacy import erase_user
from storage.tables import change_queue, message_changes
from storage.tenants import purge_tenant, resume_tenant, save_tenant
from tests.support.builders import GUILD, NOW, SECOND, attachment, change, message, reaction, total
from tests.support.change_follower import ChangeFollower, archived
from tests.support.erasure_steps import WHO
from tests.support.filling import SMALL, fill
from tests.support.live_steps import LiveChannel
from tests.support.plans import recorded, whole_reads
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, run_sql

LENGTHS = (17, 18, 19)


@pytest.fixture
def follower(db: Database, way: Way) -> ChangeFollower:
    return ChangeFollower(db, way.tenant.id)


async def is_exact(follower: ChangeFollower) -> bool:
    return follower.mirror == await archived(follower.db, follower.tenant_id)


@pytest.mark.slow
async def test_every_kind_of_change_is_told_and_nothing_else(
    live: LiveChannel, follower: ChangeFollower, db: Database
) -> None:
    files, counted = (attachment("1"),), (total("👍"),)
    await live.store(*(message(n) for n in range(10, 15)), message(15, attachments=files, reaction_totals=counted))
    assert await follower.follow() == [("created", str(n)) for n in range(10, 16)]
    assert await count_of(db, message_changes) == 1, "what was stored together is one row"
    assert await count_of(db, change_queue) == 0
    await live.apply(11, edited=message(11, content="edited", edited_at=LATER))
    await live.apply(12, is_deleted=True)
    await live.apply(13, reactions=[reaction("a"), reaction("b")])
    await live.apply(14, edited=message(14, edited_at=LATER, attachments=(attachment("2"),)))
    await live.apply(16, created=message(16, attachments=(attachment("3"),)))
    told = [("deleted", "12"), ("edited", "11"), ("edited", "14"), ("reactions", "13"), ("attachments", "14")]
    assert sorted(await follower.follow()) == sorted([*told, ("created", "16")])
    renewed = message(15, attachments=(attachment("1", url="https://cdn.example/1/cat.png?ex=9"),))
    await stored.renew_links(db, live.tenant.id, live.channel.id, [renewed], LATER)
    await live.store(message(15, attachments=renewed.attachments, reaction_totals=counted))
    assert await follower.follow() == [], "a renewed link is no change"
    for n in range(2):
        await live.apply(11, edited=message(11, content=f"edited {n}", edited_at=LATER + (n + 1) * SECOND))
    await live.apply(15, is_cleared=True)
    await live.apply(14, edited=message(14, edited_at=LATER + SECOND))
    assert await follower.follow() == [("edited", "11"), ("reactions", "15"), ("edited", "14"), ("attachments", "14")]
    assert await is_exact(follower)
    again = ChangeFollower(db, live.tenant.id, limit=100)
    assert len(await again.follow()) == 7 + 6, "of each kind the newest"
    assert again.mirror == follower.mirror


@pytest.mark.slow
async def test_an_erasure_is_told_and_leaves_nothing(way: Way, follower: ChangeFollower, db: Database) -> None:
    await way.store(message(1, author_hash=WHO, attachments=(attachment("1"),)), message(2, content=f"<@{WHO}>"))
    await follower.follow()
    await erase_user(db, WHO, tenant_id=way.tenant.id, now=LATER)
    assert sorted(await follower.follow()) == [("attachments", "1"), ("edited", "2"), ("erased", "1")]
    assert WHO not in str(follower.mirror)
    assert await is_exact(follower)


@pytest.mark.slow
async def test_after_a_purge_and_in_another_archive_a_reader_starts_anew(
    way: Way, follower: ChangeFollower, db: Database
) -> None:
    await way.store(message(1), message(2))
    await follower.follow()
    for n in range(5, 10):
        await way.store(message(n))
        await follower.follow()
    await is_not_told_to_others(db)
    with pytest.raises(StartAnew):
        await changes_after(db, way.tenant.id, replace(follower.place, position=follower.place.position + 1), 9)
    await run_sql(db, "DELETE FROM messages WHERE platform_id = '2'")
    await way.store(message(3))  # with the id that SQLite had given to the one before
    with pytest.raises(StartAnew):
        await follower.follow()
    follower = ChangeFollower(db, way.tenant.id)
    assert sorted(await follower.follow()) == [("created", str(n)) for n in (1, 3, 5, 6, 7, 8, 9)]
    assert follower.place.anew > 0
    assert await is_exact(follower)
    await purge_tenant(db, way.tenant.id, LATER)
    with pytest.raises(StartAnew):
        await follower.follow()
    assert await count_of(db, message_changes) == await count_of(db, change_queue) == 0
    await resume_tenant(db, way.tenant.id, LATER)
    anew = ChangeFollower(db, way.tenant.id)
    assert await anew.follow() == []
    assert anew.place.position > follower.place.position


async def is_not_told_to_others(db: Database) -> None:
    """SQLite gives the id of a purged channel again: what was noted of it before is no change of another tenant."""
    other, _ = await save_tenant(db, "discord", replace(GUILD, platform_id="7"), connected=True, now=NOW)
    await run_sql(
        db,
        "INSERT INTO message_changes"
        " (tenant_id, position, channel_id, kind, first_message_platform_id, last_message_platform_id)"
        " SELECT id, 1, (SELECT max(channel_id) FROM messages), 'edited', '0', '9' FROM tenants"
        " WHERE platform_id = '7'",
    )
    await run_sql(
        db,
        "INSERT INTO change_feeds (tenant_id, bound, created_at, updated_at)"
        " SELECT id, 1, updated_at, updated_at FROM tenants WHERE platform_id = '7'",
    )
    assert (await changes_after(db, other.id, ChangePlace(position=0), 9)).changes == ()
    await run_sql(db, "DELETE FROM message_changes WHERE position = 1")


async def test_places_are_read_as_they_are_written() -> None:
    for text in ("0", "1790000000000000", "12-034", "7-0", "12.3", "12-034.3"):
        assert str(read_place(text)) == text
    for text in ("", "-1", "01", "1-", "1-x", " 1", "1٣", "1" * 19, "1-" + "1" * 20, "1_0", "1.0", "1.2-3"):
        with pytest.raises(ValueError, match="must be 0, or the next"):
            read_place(text)


@pytest.mark.slow
async def test_what_is_committed_late_is_told_late(way: Way, follower: ChangeFollower, db: Database) -> None:
    """A transaction that began, and wrote, before others is committed after all of them; SQLite has one at a time."""
    async with db.writing() as connection:
        early = {(way.tenant.id, way.channel.id): [message(1, reaction_totals=(total("👍"),)), message(2)]}
        prepared = await stored.prepare(connection, early)
        await stored.write_messages(connection, prepared, NOW)
        if db.dialect == "postgresql":
            await way.store(message(5))
            assert await follower.follow() == [("created", "5")]
        assert await follower.follow() == []
    assert await follower.follow() == [("created", "1"), ("created", "2")]
    assert await is_exact(follower)


@pytest.mark.slow
async def test_many_write_while_it_is_followed(way: Way, db: Database) -> None:
    """Each id is stored, edited and given reactions by another task; ids are of three lengths."""
    followers = [ChangeFollower(db, way.tenant.id, limit) for limit in (1, 2, 7)]
    is_written = asyncio.Event()

    async def write(digits: int) -> None:
        first = 10 ** (digits - 1)
        for n in range(5):
            now = NOW + (n * 20 + digits) * SECOND
            await way.store(*(_sized(first + n * 3 + k) for k in range(3)), now=now)
            edited = replace(_sized(first + n), content=f"edited {n}", edited_at=now)
            edit = change(way.tenant.id, "5", edited.platform_id, edited=edited, reactions=[reaction("a" * 64)])
            drop = change(way.tenant.id, "5", str(first + n * 2), is_deleted=True)
            changes = [edit, drop] if edit.message_platform_id != drop.message_platform_id else [edit]
            await apply_changes(db, changes, now)

    async def follow(follower: ChangeFollower) -> None:
        while not is_written.is_set():
            await follower.follow()
            await asyncio.sleep(0)

    following = [asyncio.create_task(follow(follower)) for follower in followers]
    await asyncio.gather(*(write(digits) for digits in LENGTHS))
    is_written.set()
    await asyncio.gather(*following)
    for follower in followers:
        await follower.follow()
        assert len(follower.mirror) == 15 * len(LENGTHS)
        assert await is_exact(follower)


def _sized(number: int) -> MessageRecord:
    return message(1, platform_id=str(number), content=f"message {number}")


LARGE = {"messages", "message_changes", "channels", "attachments", "reaction_totals"}


@pytest.mark.slow
async def test_no_page_reads_a_large_table_whole(db: Database) -> None:
    await fill(db, SMALL)
    while await number_changes(db, NOW, step=500):
        pass
    found: dict[str, set[str]] = {}
    with recorded(db) as sent:
        page = await changes_after(db, "discord-1", ChangePlace(position=0), 10)
        await changes_after(db, "discord-1", page.next, 10)
        await number_changes(db, NOW)
    assert len(page.changes) == 10
    for each in sent:
        async with db.writing() as connection:
            if "set_config" not in each.statement and (whole := await whole_reads(connection, each) & LARGE):
                found[each.statement] = whole
    # Looking rows up by the keys that were found: of so few the server rather reads them all.
    assert [statement for statement in found if "json" not in statement] == []
