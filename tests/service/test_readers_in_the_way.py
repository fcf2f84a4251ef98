"""What a reader keeps in the files of a SQLite archive is gone from them soon after the reader has ended."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.archive_folder import everything_in
from tests.support.daemon import running_daemon

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

WORDS, OTHERS_WORDS = "unmistakable words", "words that nobody else has"


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Read the archive for as long as the block lasts, as a backup or an analyst does."""
    with closing(sqlite3.connect(folder / "archive.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM messages").fetchall()
        yield
        reader.rollback()


async def test_an_erasure_and_a_purge_are_ended_once_nobody_reads(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url, world = f"sqlite+aiosqlite:///{tmp_path}/archive.db", uniform_world(1, 20, guilds=2)
    kept, purged = world.guilds.values()
    person = next(user for user in kept.users.values() if not user.bot)
    async with Simulator(world) as sim:
        for guild, words in ((kept, WORDS), (purged, OTHERS_WORDS)):
            (place,) = guild.channels
            sim.change.post(place, words, person.id if guild is kept else None, silent=True)
        async with running_daemon(sim, url) as daemon:
            await daemon.idle(2)
            with reading(tmp_path):
                who = {"platform": "discord", "user_id": str(person.id), "tenant_id": f"discord-{kept.id}"}
                status, request = await daemon.ask("POST", "/api/forgotten-users", json=who)
                assert (status, request["completed_at"]) == (202, None)
                status, answer = await daemon.ask("DELETE", f"/api/tenants/discord-{purged.id}?purge=true")
                assert (status, answer["purged"]) == (200, True)
                held = everything_in(tmp_path)
                assert WORDS in held
                assert OTHERS_WORDS in held
            await daemon.until(
                lambda: daemon.get(f"/api/forgotten-users/{request['request_id']}"),
                lambda found: found["status"] == "completed",
            )
            await daemon.sees(lambda: not any(words in everything_in(tmp_path) for words in (WORDS, OTHERS_WORDS)))
    waits = [record.__dict__["what"] for record in caplog.records if record.msg.startswith("not finished yet")]
    assert "erasures" in waits
    assert len(waits) == len(set(waits)), "it is said once, however often it is tried"
