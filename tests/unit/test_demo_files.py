"""The demo's files: a later start goes on with them, and nothing that is not the demo's is touched."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.discord.simulator import DEMO_GUILD_ID, Life, demo_world
from adapters.discord.simulator.changes import Changes
from adapters.discord.simulator.ids import time_of
from adapters.records import TenantRecord
from bot.demo_files import DemoFiles, DemoRefused, Journal
from storage import tenants
from storage.database import open_database

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
GUILD = str(DEMO_GUILD_ID)


@pytest.fixture
def files(tmp_path: Path) -> DemoFiles:
    """A folder without a demo yet."""
    return DemoFiles(tmp_path / "data")


async def archive(files: DemoFiles, *guilds: str) -> None:
    """Make an archive that holds these communities, in the place of the demo's."""
    db = await open_database(files.url, hash_choice="sha256")
    for guild in guilds:
        await tenants.save_tenant(db, "discord", TenantRecord(platform_id=guild, name="A"), connected=True, now=NOW)
    await db.close()


async def world(files: DemoFiles, *, fresh: bool = False) -> Journal:
    """Start a demo, as far as its files go."""
    async with files.held():
        return await files.world(GUILD, born=NOW, fresh=fresh)


async def test_a_later_start_goes_on_in_the_same_world_with_the_same_archive(files: DemoFiles) -> None:
    first = await world(files)
    moments = [first.record(NOW + timedelta(seconds=second, microseconds=1_500)) for second in range(3)]
    await archive(files, GUILD)
    with files.archive.with_name("demo.journal").open("a") as journal:
        journal.write("17")  # a kill in the middle of a line
    again = await world(files)
    assert (again.born, again.moments) == (NOW, moments)
    assert files.archive.exists()


@pytest.mark.slow
async def test_a_world_that_is_made_again_is_the_same_to_the_byte() -> None:
    def lived(moments: list[datetime]) -> dict[int, Any]:
        made = demo_world(now=NOW, reacted_percent=1)
        life = Life(Changes(made, lambda *_: None))
        for moment in moments:
            life.step(moment)
        guild = made.guilds[DEMO_GUILD_ID]
        places = (*guild.channels.values(), *guild.threads.values())
        return {int(message["id"]): message for place in places for message in place.messages}

    moments = [NOW + timedelta(seconds=2 * second) for second in range(60)]
    moments += [moment + timedelta(days=2) for moment in moments]  # the demo was away for two days
    once = lived(moments)
    assert once == lived(moments)
    assert abs(time_of(max(once)) - moments[-1]) < timedelta(seconds=20)


async def test_fresh_begins_anew(files: DemoFiles) -> None:
    (await world(files)).record(NOW)
    await archive(files, GUILD)
    assert (await world(files, fresh=True)).moments == []
    assert not files.archive.exists()


@pytest.mark.slow
async def test_a_second_start_is_refused_and_touches_nothing(files: DemoFiles) -> None:
    async with files.held():
        journal = await files.world(GUILD, born=NOW, fresh=False)
        journal.record(NOW)
        await archive(files, GUILD)
        files.announce("http://127.0.0.1:8080")
        for fresh in (False, True):
            with pytest.raises(DemoRefused, match=rf"\(process {os.getpid()}, http://127.0.0.1:8080\)"):
                await world(DemoFiles(files.archive.parent), fresh=fresh)
    assert files.archive.exists()
    assert (await world(files)).moments == [NOW]


@pytest.mark.slow
async def test_a_community_that_was_added_and_deleted_does_not_make_it_anothers(files: DemoFiles) -> None:
    await world(files)
    await archive(files, GUILD, "7")
    db = await open_database(files.url, hash_choice="sha256")
    await tenants.stop_tenant(db, "discord-7", now=NOW)
    await db.close()
    assert (await world(files)).born == NOW
    assert files.archive.exists()


@pytest.mark.slow
async def test_a_community_that_was_added_by_hand_and_never_joined_does_not_make_it_anothers(files: DemoFiles) -> None:
    await world(files)
    await archive(files, GUILD)
    db = await open_database(files.url, hash_choice="sha256")
    await tenants.save_tenant(db, "discord", TenantRecord(platform_id="7", name=None), connected=False, now=NOW)
    await db.close()
    assert (await world(files)).born == NOW
    assert files.archive.exists()


@pytest.mark.parametrize("guilds", [(), ("7",), ("7", GUILD)], ids=["none yet", "another", "another beside the demo's"])
@pytest.mark.parametrize("fresh", [False, True])
async def test_an_archive_of_somebodys_own_stays_as_it_is(
    files: DemoFiles, guilds: tuple[str, ...], fresh: bool
) -> None:
    files.archive.parent.mkdir()
    await archive(files, *guilds)
    if guilds:
        Journal.begin(files.archive.with_name("demo.journal"), NOW)  # of a demo that was here before
    before = files.archive.read_bytes()
    with pytest.raises(DemoRefused, match="not an archive of the demo's"):
        await world(files, fresh=fresh)
    assert files.archive.read_bytes() == before


@pytest.mark.parametrize("name", ["demo.db", "demo.journal", "demo.running", "demo.lock"])
async def test_a_link_to_somewhere_else_is_not_followed(files: DemoFiles, name: str, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("precious")
    files.archive.parent.mkdir()
    (files.archive.parent / name).symlink_to(target)
    with pytest.raises(DemoRefused, match="symbolic link"):
        await world(files, fresh=True)
    assert target.read_text() == "precious"


@pytest.mark.slow
async def test_an_archive_whose_world_is_lost_begins_anew(files: DemoFiles) -> None:
    await world(files)
    await archive(files, GUILD)
    files.archive.with_name("demo.journal").write_text("not a journal\n")
    assert (await world(files)).moments == []
    assert not files.archive.exists()


async def test_an_archive_that_a_daemon_works_on_stays_as_it_is(files: DemoFiles) -> None:
    await world(files)
    db = await open_database(files.url, hash_choice="sha256")
    try:
        with pytest.raises(DemoRefused, match="another process works on"):
            await world(files, fresh=True)
    finally:
        await db.close()
    assert files.archive.exists()
