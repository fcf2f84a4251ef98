"""Exports as strangers read them, compared with the archive row by row."""

import csv
import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq

from bot.export import read_jsonl
from tests.support.archive import Rows, archived

Key = tuple[str, str]
"""The ids of a channel and a message."""


class Archive:
    """What is archived of one guild, in the words of the archive."""

    def __init__(self, url: str, guild_id: int) -> None:
        self.messages = archived(url, "messages", guild_id)
        self.attachments = by_message(archived(url, "attachments", guild_id))
        self.totals = by_message(archived(url, "reaction_totals", guild_id))
        self.reactions = by_message(archived(url, "reactions", guild_id))
        self.channels = {key[0]: row for key, row in archived(url, "channels", guild_id).items()}


def by_message(rows: Rows) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """The keys of what hangs on each message."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for key in sorted(rows):
        found.setdefault((key[0], key[1]), []).append(key)
    return found


def count_of(rows: dict[tuple[str, str], list[tuple[Any, ...]]]) -> int:
    return sum(map(len, rows.values()))


def place_of(row: dict[str, Any]) -> tuple[str, str]:
    return row["thread_id"] or row["channel_id"], row["message_id"]


def of_json_lines(archive: Archive, folder: Path) -> None:
    """All of it, to the last reaction."""
    (file,) = folder.glob("jsonl/*.jsonl")
    rows = {place_of(row): row for row in read_jsonl(file)}
    assert rows.keys() == archive.messages.keys()
    for key, stored in archive.messages.items():
        row = rows[key]
        assert [row[name] for name in ("type", "content", "author_kind", "metadata")] == [
            stored[name] for name in ("type", "content", "author_kind", "metadata")
        ]
        assert row["author"] == stored["author_hash"]
        for name in ("sent_at", "edited_at"):
            assert (row[name] and datetime.fromisoformat(row[name])) == stored[name]
        reply = row["reply_to"] or {"message_id": None, "channel_id": None}
        assert (reply["channel_id"], reply["message_id"]) == (
            stored["reply_to_channel_platform_id"],
            stored["reply_to_message_platform_id"],
        )
        if original := archive.messages.get((reply["channel_id"], reply["message_id"])):
            assert reply["excerpt"] == original["content"][:200]
        assert [(*key, file["id"]) for file in row["attachments"]] == archive.attachments.get(key, [])
        given = [(*key, one["emoji_id"] or one["emoji"], one["burst"]) for one in row["reactions"]]
        assert sorted(given) == archive.totals.get(key, [])
        users = zip(given, (one["users"] for one in row["reactions"]), strict=True)
        assert sorted((*kind[:3], user, kind[3]) for kind, who in users for user in who) == archive.reactions.get(
            key, []
        )
        channel = archive.channels[key[0]]
        assert (row["thread"] if row["thread_id"] else row["channel"]) == channel["name"]


def of_tables(archive: Archive, folder: Path) -> None:
    """What pandas, pyarrow, the csv module and DuckDB see of one and the same."""
    (file,) = folder.glob("csv/*.csv")
    plain = {place_of(row): row for row in csv.DictReader(io.StringIO(file.read_bytes().decode(), newline=""))}
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert plain.keys() == archive.messages.keys()
    assert [place_of(row) for row in frame.to_dict("records")] == list(plain)
    for key, stored in archive.messages.items():
        assert plain[key]["content"].removeprefix("'") == stored["content"]
        assert int(plain[key]["attachment_count"]) == len(archive.attachments.get(key, []))
        assert json.loads(plain[key]["metadata"]) == stored["metadata"]
    table = pq.read_table(folder / "parquet").to_pylist() if archive.messages else []
    assert {place_of(row): (row["content"], row["sent_at"]) for row in table} == {
        key: (stored["content"], stored["sent_at"]) for key, stored in archive.messages.items()
    }
    assert sum(len(row["reactions"]) for row in table) == count_of(archive.totals)
    files = folder / "parquet/*.parquet"
    users_of = "list_sum(list_transform(reactions, lambda one: len(one.users)))"
    ((count, users),) = queried(f"SELECT count(*), sum({users_of}) FROM '{files}'")  # noqa: S608
    assert (count, users or 0) == (len(archive.messages), count_of(archive.reactions))
    (lines,) = folder.glob("jsonl/*.jsonl")
    read = f"SELECT count(*) FROM read_json('{lines}', format = 'newline_delimited') WHERE kind = 'message'"  # noqa: S608
    assert queried(read) == [(len(archive.messages),)]


def queried(query: str) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def of_the_other_exporter(archive: Archive, folder: Path) -> None:
    """One file a channel, whose head tells of the channel."""
    seen = {}
    for file in folder.glob("dce-json/*.*.json"):
        document = json.loads(file.read_text("utf-8"))
        assert document["messageCount"] == len(document["messages"]) > 0
        may_be_read_by_its_frontend(file.name, document)
        may_be_read_by_chat_analytics(document)
        assert document["channel"]["name"] == archive.channels[document["channel"]["id"]]["name"]
        seen |= {(document["channel"]["id"], message["id"]): message for message in document["messages"]}
    assert seen.keys() == archive.messages.keys()
    for key, message in seen.items():
        stored = archive.messages[key]
        if not re.search("<t:|[0-9a-f]{64}", stored["content"]):
            assert message["content"] == stored["content"]
        assert not re.search("<@!?[0-9a-f]{64}>", message["content"])
        assert datetime.fromisoformat(message["timestamp"]) == stored["sent_at"].replace(
            microsecond=stored["sent_at"].microsecond // 1000 * 1000
        )
        assert message["author"]["id"] == (stored["author_hash"] or "0")
        assert [file["id"] for file in message["attachments"]] == [file[2] for file in archive.attachments.get(key, [])]
        assert sum(len(one["users"]) for one in message["reactions"]) == len(archive.reactions.get(key, []))


def may_be_read_by_its_frontend(name: str, document: Any) -> None:
    """The rules of DiscordChatExporter-frontend's importer (JsonProcessor.py)."""
    assert not re.search(r"-([0-9a-f]{5}|[0-9a-f]{16})\.json$", name), (
        "it would be taken for a file that was downloaded"
    )
    assert document["guild"]["id"].isdecimal()
    assert document["channel"]["id"].isdecimal()
    assert document["exportedAt"]
    assert {"iconUrl"} <= document["guild"].keys()
    assert {"categoryId"} <= document["channel"].keys()
    for message in document["messages"]:
        assert message["id"].isdecimal()
        assert {"timestampEdited", "attachments", "embeds", "mentions", "stickers", "reactions"} <= message.keys()
        assert all(sticker["sourceUrl"] for sticker in message["stickers"])
        people = [message["author"], *message["mentions"], *(who for r in message["reactions"] for who in r["users"])]
        for who in people:
            assert all(isinstance(who[key], str) for key in ("name", "discriminator", "nickname", "avatarUrl"))
        for reaction in message["reactions"]:
            assert reaction["emoji"]["id"] == "" or reaction["emoji"]["id"].isdecimal(), (
                "null is taken for a custom one"
            )
            assert reaction["emoji"]["imageUrl"]


def may_be_read_by_chat_analytics(document: Any) -> None:
    """The rules of chat-analytics, which reads a file as a stream (DiscordParser.ts)."""
    keys = list(document)
    assert keys.index("guild") < keys.index("channel") < keys.index("messages")
    for message in document["messages"]:
        assert re.fullmatch("[0-9-:.+T]+", message["timestamp"]), "the newest one of a file is looked for by that"
        assert datetime.fromisoformat(message["timestamp"]).tzinfo
        assert isinstance(message["type"], str)
        author = message["author"]
        assert (author["discriminator"], type(author["isBot"])) == ("0000", bool), "others are put behind the name"
        assert author["id"]
        assert author["name"]
        for reaction in message["reactions"]:
            assert reaction["count"] > 0
            assert reaction["emoji"]["name"]
        assert all(who["name"] and who["nickname"] for who in message["mentions"]), "a nickname that is null throws"
