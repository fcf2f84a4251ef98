"""What others hold of an erased person's words: forwards, followed announcements, polls' ends, quotes, titles."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from adapters.records import MessageRecord
from storage.channels import save_changed_channels, save_channels, save_threads
from storage.database import Database
from storage.tables import attachments, channels, messages
from tests.support.builders import NOW, attachment, channel, message, thread
from tests.support.erasure_steps import OTHER, WHO, another, copying, erase
from tests.support.repair_steps import LATER, Way
from tests.support.tables_of import count_of, rows_of

pytestmark = pytest.mark.slow

WORDS = "my very own words"
GUILD_ID = "100"
SOURCE = {"guild_id": GUILD_ID, "channel_id": "5", "message_id": "1"}
LINK = f"https://discord.com/channels/{GUILD_ID}/5/1"
THEIRS = message(1, author_hash=WHO, content=WORDS)
QUOTE = {"description": WORDS, "fields": [{"name": "Source", "value": f"[Jump!]({LINK})"}]}


def copy(number: int, kind: str = "default", **metadata: Any) -> MessageRecord:
    return copying(message(number, author_hash=OTHER, content="look", type=kind, metadata=metadata))


def forward(number: int, of: str = "1", **more: Any) -> MessageRecord:
    return copy(number, reference={**SOURCE, "type": 1, "message_id": of}, forward={"content": WORDS, **more})


COPIES = {
    "forward": forward(2, attachments=[{"filename": WORDS}]),
    "forward without the guild": copy(2, reference={"channel_id": "5", "message_id": "1"}, forward={"content": WORDS}),
    "announcement": replace(
        copying(message(2, author_hash=None, content=WORDS, metadata={"flags": 2, "reference": SOURCE})),
        attachments=(attachment("9", filename=WORDS),),
    ),
    "poll": copy(2, "poll_result", reference=SOURCE, embeds=[{"fields": [{"value": WORDS}]}]),
    "quote": copy(2, embeds=[{"title": "kept"}, QUOTE]),
    "component": copy(2, components=[{"content": f"{WORDS} {LINK}"}]),
    "forwarded quote": copy(2, reference={**SOURCE, "message_id": "77"}, forward={"content": "", "embeds": [QUOTE]}),
}


async def holds(db: Database) -> bool:
    return any([WORDS in str(await rows_of(db, table)) for table in (messages, attachments, channels)])


ALL = [replace(record, platform_id=str(number)) for number, record in enumerate(COPIES.values(), 11)]


async def test_copies_go_with_their_original(db: Database, way: Way) -> None:
    await way.store(THEIRS, *ALL, message(3, content="another's"))
    assert await holds(db)
    found = await erase(db, way.tenant.id)
    assert not await holds(db)
    assert (found.messages, found.mentions) == (1, len(ALL))
    rows = {row["platform_id"]: row for row in await rows_of(db, messages)}
    assert rows["3"]["content"] == "another's"
    for record in ALL:
        row = rows[record.platform_id]
        assert (row["author_hash"], row["type"]) == (record.author_hash, record.type)
        assert row["metadata"].get("reference") == record.metadata.get("reference")
    assert rows["15"]["metadata"]["embeds"] == [{"title": "kept"}, {"forgotten": True}]


async def test_they_do_not_come_back(db: Database, way: Way) -> None:
    await way.store(THEIRS, *ALL)
    await erase(db, way.tenant.id)
    before = await rows_of(db, messages)
    outcome = await way.save(await way.audit(), THEIRS, *ALL)
    assert (outcome.seen, outcome.changed) == (1 + len(ALL), 0)
    assert await rows_of(db, messages) == before


@pytest.mark.parametrize("is_original_first", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
async def test_nor_are_they_stored_once_the_request_is_there(
    db: Database, way: Way, is_original_first: bool, at_once: bool
) -> None:
    await erase(db, None)
    batches = [[THEIRS], ALL] if is_original_first else [ALL, [THEIRS]]
    for batch in [[*batches[0], *batches[1]]] if at_once else batches:
        await way.store(*batch)
    assert not await holds(db)


async def test_a_forward_of_a_forward_goes_too(db: Database, way: Way) -> None:
    await way.store(THEIRS, forward(2), forward(3, of="2"), forward(4, of="3"))
    await erase(db, way.tenant.id)
    assert not await holds(db)
    await way.save(await way.audit(), THEIRS, forward(2), forward(3, of="2"), forward(4, of="3"))
    assert not await holds(db)


async def test_of_an_original_that_is_not_archived_the_text_tells(db: Database, way: Way) -> None:
    elsewhere = forward(2, of="777")
    await way.store(THEIRS, elsewhere, forward(3, of="778", content="another's"))
    await erase(db, way.tenant.id)
    rows = {row["platform_id"]: row["metadata"] for row in await rows_of(db, messages)}
    assert (rows["2"]["forward"], rows["3"]["forward"]) == ({"forgotten": True}, {"content": "another's"})
    await way.save(await way.audit(), THEIRS, elsewhere)
    assert not await holds(db)


async def test_another_person_s_words_stay(db: Database, way: Way) -> None:
    """Also where they are the same, and of another author for certain."""
    await way.store(THEIRS, message(7, author_hash=OTHER, content=WORDS), forward(8, of="7"))
    await erase(db, way.tenant.id)
    rows = {row["platform_id"]: row for row in await rows_of(db, messages)}
    assert (rows["7"]["content"], rows["8"]["metadata"]["forward"]) == (WORDS, {"content": WORDS})


async def test_what_was_edited_out_of_a_quote_is_no_copy_any_more(db: Database, way: Way) -> None:
    await way.store(THEIRS, copy(2, embeds=[QUOTE]))
    await way.store(copy(2, embeds=[{"title": "another's"}]))
    await erase(db, way.tenant.id)
    rows = {row["platform_id"]: row["metadata"] for row in await rows_of(db, messages)}
    assert rows["2"] == {"embeds": [{"title": "another's"}]}


@pytest.mark.parametrize("everywhere", [True, False])
async def test_a_copy_in_another_community_is_in_the_scope_of_an_erasure_request_there(
    db: Database, way: Way, everywhere: bool
) -> None:
    other = await another(way)
    await way.store(THEIRS)
    await other.store(COPIES["announcement"])
    assert (await erase(db, None if everywhere else other.tenant.id)).mentions == 1
    assert await count_of(db, attachments) == 0
    audit = await other.audit()
    for _ in range(2):
        rows = {row["tenant_id"]: row["content"] for row in await rows_of(db, messages)}
        assert rows == {way.tenant.id: "" if everywhere else WORDS, other.tenant.id: ""}
        await other.save(audit, COPIES["announcement"])


OPENED = thread("6", "5", name=WORDS, metadata={"owner_hash": WHO})
ON_THEIRS = thread("1", "5", name=WORDS, metadata={"owner_hash": OTHER})
ANOTHERS = thread("8", "5", name="stays", metadata={"owner_hash": OTHER})
Save = Callable[[Database, Way], Awaitable[None]]
ROADS: dict[str, Save] = {
    "listing": lambda db, way: save_channels(db, way.tenant.id, [OPENED, ON_THEIRS, ANOTHERS], LATER),
    "event": lambda db, way: save_changed_channels(db, way.tenant.id, [OPENED, ON_THEIRS, ANOTHERS], LATER),
    "archived": lambda db, way: save_threads(db, way.tenant.id, "5", [OPENED, ON_THEIRS, ANOTHERS], {}, LATER),
}


@pytest.mark.parametrize("road", ROADS)
async def test_the_titles_of_their_threads_go_and_stay_away(db: Database, way: Way, road: str) -> None:
    await ROADS[road](db, way)
    await way.store(THEIRS)
    await erase(db, way.tenant.id)
    named = [row["name"] for row in await rows_of(db, channels)][1:]
    assert named == ["forgotten", "forgotten", "stays"]
    await ROADS[road](db, way)
    assert [row["name"] for row in await rows_of(db, channels)][1:] == named


async def test_a_title_goes_when_the_first_message_turns_out_to_be_theirs(db: Database, way: Way) -> None:
    """A post whose opener the platform does not name has their message as its first, with its own id."""
    post = thread("9", "5", name=WORDS)
    await save_channels(db, way.tenant.id, [channel("5"), post, ON_THEIRS], NOW)
    await erase(db, None)
    await way.store(THEIRS)
    inside = next(row["id"] for row in await rows_of(db, channels) if row["platform_id"] == "9")
    await way.store(message(9, author_hash=WHO, content=WORDS), channel_id=inside)
    assert not await holds(db)
    await save_channels(db, way.tenant.id, [post, ON_THEIRS], LATER)
    assert not await holds(db)


async def test_a_link_that_is_too_long_for_an_id_is_none(db: Database, way: Way) -> None:
    digits = "".join(str(number * number) for number in range(1_000))
    await way.store(THEIRS, copy(2, embeds=[{"description": f"/channels/{GUILD_ID}/5/{digits}"}, QUOTE]))
    assert await count_of(db, messages) == 2
    await erase(db, way.tenant.id)
    assert not await holds(db)


async def test_a_quote_with_links_of_two_communities_to_one_message(db: Database, way: Way) -> None:
    """Anybody can write a link with another community's id; it names the same message."""
    embed = {
        "description": WORDS,
        "fields": [{"value": f"https://discord.com/channels/{guild}/5/1"} for guild in (9, 100)],
    }
    quote = copying(message(2, author_hash=OTHER, content="look", metadata={"embeds": [embed]}))
    await way.store(message(1, author_hash=WHO, content=WORDS), quote)
    await erase(db, way.tenant.id)
    assert WORDS not in str(await rows_of(db, messages))
