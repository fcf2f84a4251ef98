"""A guild with one of each thing, small enough to say by hand what its archive must hold."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.ids import time_of
from adapters.discord.simulator.message_payloads import attachment
from adapters.discord.simulator.request_log import Entry
from tests.support.archive import archived
from tests.support.daemon import running_daemon
from tests.support.small_world import (
    CATEGORY,
    CLOSED_VOICE,
    FANS,
    FORUM,
    GUILD,
    HIDDEN,
    MESSAGES,
    NO_HISTORY,
    POST,
    QUIET,
    READER,
    TEXT,
    THREADS,
    VOICE,
    WRITER,
    small_world,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

LONG = "so it goes, and on and on " * 150  # near to the longest that Discord lets people write
EXPIRES = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TABLES = "channels", "messages", "attachments", "reaction_totals", "reactions"
PARTY, DANCE = "<:party:123456789012345678>", "<a:dance:223456789012345678>"


def hashed(user_id: int) -> str:
    return hashlib.sha256(str(user_id).encode()).hexdigest()


Rows: TypeAlias = dict[tuple[Any, ...], dict[str, Any]]


@dataclass
class Archive:
    """What was put into the guild, and what the daemon made of it."""

    tables: dict[str, Rows]
    ids: dict[str, int]
    file_url: str
    requests: list[Entry]

    def rows(self, table: str) -> Rows:
        return self.tables[table]

    def message(self, channel: int, name: str) -> dict[str, Any]:
        found = self.rows("messages").get((str(channel), str(self.ids[name])))
        assert found is not None, f"the {name} is not in the archive"
        return found

    def messages_of(self, channel: int) -> set[str]:
        return {message for place, message in self.rows("messages") if place == str(channel)}


made: dict[str, Archive] = {}


def furnish(sim: Simulator) -> tuple[dict[str, int], str]:
    """Put one of each into the guild; the ids of what was put there, and the address of the file."""
    post, url = sim.change.post, f"{sim.rest_url}/attachments/cat.png?ex={int(EXPIRES.timestamp()):x}&is=1&hm=2&"
    sim.change.update_channel(TEXT, topic="what goes on", silent=True)
    thread = sim.change.create_thread(TEXT, "aside", owner_id=WRITER.id, silent=True)
    file = attachment(QUIET, sim.world.ids.take(), "cat.png", 12_345, "image/png", width=640, height=480, url=url)
    put = {
        "thread": thread.id,
        "aside": post(thread.id, "an aside", READER.id, silent=True)["id"],
        "word in voice": post(VOICE, "hello?", READER.id, silent=True)["id"],
        "second post": post(POST, "By asking.", WRITER.id, silent=True)["id"],
        "secret": post(HIDDEN, "psst", WRITER.id, silent=True)["id"],
        "original": post(QUIET, f"hello <@{READER.id}>", WRITER.id, attachments=[file], silent=True)["id"],
    }
    original = int(put["original"])
    put["reply"] = post(QUIET, LONG, READER.id, reply_to=original, silent=True)["id"]
    sim.change.edit(QUIET, int(put["reply"]), LONG + "!", silent=True)
    for emoji, user, burst in (
        ("🔥", READER, False),
        ("🔥", WRITER, True),
        (PARTY, READER, False),
        (DANCE, READER, False),
    ):
        sim.change.react(QUIET, original, emoji, user.id, burst=burst, silent=True)
    sim.change.archive_thread(thread.id, silent=True)
    return {name: int(put_id) for name, put_id in put.items()}, url


@asynccontextmanager
async def running(database_url: str) -> AsyncIterator[Archive]:
    """The guild's archive after its first sync, while the daemon still runs."""
    world = small_world(250)
    async with Simulator(world) as sim:
        ids, file_url = furnish(sim)
        async with running_daemon(sim, database_url) as daemon:
            jobs = await daemon.idle(2)
            assert [(job["status"], job["error"]) for job in jobs] == [("succeeded", None)] * 2
            tables = {table: archived(database_url, table, GUILD) for table in TABLES}
            yield Archive(tables, ids, file_url, sim.requests.entries())


@pytest.fixture
async def archive(database_url: str) -> Archive:
    """What the archive holds after the first sync: made once on each database, and only looked at."""
    database = database_url.partition(":")[0]
    if database not in made:
        async with running(database_url) as made[database]:
            pass
    return made[database]


def contents(folder: Path) -> bytes:
    """All that is in a folder's files."""
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_what_everyone_may_read_is_archived_and_nothing_else(archive: Archive) -> None:
    reasons = {key[0]: row["skip_reason"] for key, row in archive.rows("channels").items()}
    read = [TEXT, VOICE, FORUM, POST, QUIET, archive.ids["thread"], *THREADS]
    assert {channel for channel, reason in reasons.items() if reason is None} == set(map(str, read))
    assert (reasons[str(CLOSED_VOICE)], reasons[str(NO_HISTORY)]) == ("not_public", "not_public")
    assert (reasons[str(HIDDEN)], reasons[str(CATEGORY)]) == ("obfuscated", "unsupported")
    for hidden in (HIDDEN, NO_HISTORY, CLOSED_VOICE):
        assert archive.messages_of(hidden) == set(), "messages that not everyone may read"


async def test_channels_threads_and_posts_give_all_their_messages(archive: Archive) -> None:
    talk = archive.messages_of(TEXT)
    missing = set(map(str, MESSAGES)) - talk
    assert not missing, f"{len(missing)} messages of a text channel are missing"
    assert len(talk) == len(MESSAGES) + 1, "the thread's notice comes on top"
    assert archive.messages_of(VOICE) == {str(archive.ids["word in voice"])}
    assert archive.messages_of(archive.ids["thread"]) == {str(archive.ids["aside"])}, "of an archived thread"
    assert archive.messages_of(POST) == {str(POST), str(archive.ids["second post"])}, "a post and what answers it"


async def test_channels_are_stored_with_names_types_parents_and_metadata(archive: Archive) -> None:
    rows = archive.rows("channels")
    kinds = {i: (rows[str(i),]["name"], rows[str(i),]["type"]) for i in (TEXT, VOICE, FORUM, POST, CATEGORY)}
    assert kinds == {
        TEXT: ("talk", "text"),
        VOICE: ("stage door", "text"),
        FORUM: ("questions", "forum"),
        POST: ("archiving", "thread"),
        CATEGORY: ("rooms", "category"),
    }
    assert rows[str(TEXT),]["metadata"].get("topic") == "what goes on"
    assert [rows[str(i),]["metadata"].get("platform_type") for i in (TEXT, VOICE, FORUM, POST)] == [0, 2, 15, 11]
    aside = rows[str(archive.ids["thread"]),]
    assert aside["metadata"].get("owner_hash") == hashed(WRITER.id)


async def test_threads_hang_under_their_channels_and_replies_under_their_originals(archive: Archive) -> None:
    rows = archive.rows("channels")
    assert rows[str(POST),]["parent_platform_id"] == str(FORUM)
    assert rows[str(archive.ids["thread"]),]["parent_platform_id"] == str(TEXT)
    reply = archive.message(QUIET, "reply")
    assert reply["reply_to_message_platform_id"] == str(archive.ids["original"])


async def test_messages_are_stored_with_their_text_times_and_authors_hash(archive: Archive) -> None:
    reply = archive.message(QUIET, "reply")
    assert reply["content"] == LONG + "!"
    assert reply["sent_at"] == time_of(archive.ids["reply"])
    assert reply["edited_at"] is not None
    assert reply["edited_at"] > reply["sent_at"]
    assert (reply["author_hash"], reply["author_kind"], reply["type"]) == (hashed(READER.id), "user", "reply")


async def test_a_reply_names_its_original_and_the_hashes_of_both_authors(archive: Archive) -> None:
    reply = archive.message(QUIET, "reply")
    assert reply["reply_to_message_platform_id"] == str(archive.ids["original"])
    assert reply["reply_to_channel_platform_id"] == str(QUIET)
    assert (reply["author_hash"], reply["reply_to_author_hash"]) == (hashed(READER.id), hashed(WRITER.id))


async def test_no_id_of_a_user_is_in_the_database(tmp_path: Path) -> None:
    async with running(f"sqlite+aiosqlite:///{tmp_path}/archive.db") as archive:
        stored = contents(tmp_path)
    assert archive.message(QUIET, "original")["content"] == f"hello <@{hashed(READER.id)}>"
    for user in (WRITER, READER, FANS[0]):
        assert str(user.id).encode() not in stored, "a user's id is in the database"
        assert hashed(user.id).encode() in stored, "a user is in the database by no hash of the id"


async def test_a_file_is_stored_as_the_platform_gives_it(archive: Archive) -> None:
    files = archive.rows("attachments")
    assert len(files) == 1, "one file was posted"
    ((place, file),) = files.items()
    assert place[:2] == (str(QUIET), str(archive.ids["original"])), "it hangs on another message"
    assert (file["filename"], file["size_bytes"], file["content_type"]) == ("cat.png", 12_345, "image/png")
    assert file["url"] == archive.file_url
    assert file["url_expires_at"] == EXPIRES
    assert file["metadata"] == {"width": 640, "height": 480}


async def test_no_file_is_requested(archive: Archive) -> None:
    assert len(archive.rows("attachments")) == 1
    of_files = [f"{e.method} {e.path}" for e in archive.requests if "attachments" in e.path]
    assert of_files == [], "the file itself was requested"


async def test_reactions_are_stored_with_their_emoji_and_users(archive: Archive) -> None:
    original = str(archive.ids["original"])
    given = {
        (r["emoji"], r["user_hash"], r["burst"]) for key, r in archive.rows("reactions").items() if key[1] == original
    }
    reader, writer = hashed(READER.id), hashed(WRITER.id)
    assert given == {("🔥", reader, False), ("🔥", writer, True), (PARTY, reader, False), (DANCE, reader, False)}
    totals = {r["emoji"]: r["count"] for key, r in archive.rows("reaction_totals").items() if key[1] == original}
    assert totals.keys() == {"🔥", PARTY, DANCE}


async def test_all_of_many_users_of_an_emoji_are_stored(archive: Archive) -> None:
    fans = {r["user_hash"] for key, r in archive.rows("reactions").items() if key[1] == str(MESSAGES[100])}
    assert fans == {hashed(fan.id) for fan in FANS}, "130 people gave one emoji to one message"
