"""The files of an export: whole or refused, no formula for a spreadsheet, and the keys that other tools look for."""

import csv
import gc
import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import discord
import orjson
import pyarrow.parquet as pq
import pytest

from bot.export import (
    FORMATS,
    ExportFormat,
    ExportOrder,
    FolderRefused,
    IncompleteExport,
    NotOneChannel,
    Split,
    read_jsonl,
)
from bot.export.csv_files import COLUMNS, GUARDED
from bot.export.folder import ExportFolder
from bot.export.folder_lock import locked_folder
from bot.export.writers import ExportFacts
from storage.export import ExportedMessage, ExportSelection
from storage.reading import ShownAttachment, ShownChannel, ShownMessage, ShownReaction
from tests.support.builders import NOW

WHO = "0123456789abcdef" * 4
PLACE = ShownChannel(
    id=1,
    tenant_id="discord-100",
    platform_id="5",
    name="general",
    type="text",
    parent_platform_id="1",
    parent_name="Rooms",
    parent_type="category",
    sync_state="archived",
    skip_reason=None,
    skipped_since=None,
    metadata={"platform_type": 0, "topic": "all of it"},
)


def exported(number: int, content: str, **changes: Any) -> ExportedMessage:
    """A message of the channel."""
    values: dict[str, Any] = {
        "id": number,
        "channel_id": 1,
        "platform_id": str(number),
        "author_hash": WHO,
        "author_kind": "user",
        "content": content,
        "type": "default",
        "sent_at": NOW + number * timedelta(seconds=1),
        "edited_at": None,
        "deleted_at": None,
        "reply_to_channel_platform_id": None,
        "reply_to_message_platform_id": None,
        "reply_to_author_hash": None,
        "metadata": {},
    }
    return ExportedMessage(message=ShownMessage(**values | changes), channel=PLACE, original=None)


def facts_of(channel: ShownChannel | None) -> ExportFacts:
    selection = ExportSelection(tenant_id="discord-100", channels=("7", "5"), since=NOW, author=WHO[:8])
    return ExportFacts(
        tenant_id="discord-100",
        tenant_name="Guild",
        taken_at=NOW,
        content_before=None,
        selection=selection,
        channel=channel,
    )


def written(form: ExportFormat, *messages: ExportedMessage, channel: ShownChannel | None = PLACE) -> bytes:
    """The file that a writer makes of messages."""
    sink = io.BytesIO()
    writer = FORMATS[form].make(sink, facts_of(channel))
    for one in messages:
        writer.write([one])
    writer.finish()
    return sink.getvalue()


def test_a_file_of_json_lines_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    whole = written(ExportFormat.JSONL, exported(1, "one"), exported(2, "two"))
    file = tmp_path / "export.jsonl"
    file.write_bytes(whole)
    assert [row["content"] for row in read_jsonl(file)] == ["one", "two"]
    first, second, trailer = whole.splitlines(keepends=True)
    assert orjson.loads(trailer)["selection"] == {
        "channel": "5",
        "channels": ["5", "7"],
        "since": NOW.isoformat().replace("+00:00", "Z"),
        "until": None,
        "author": WHO[:8],
        "include_deleted": False,
    }
    for broken, said in (
        (first + second, "the trailer is missing"),
        (b"", "the trailer is missing"),
        (whole[:-5], "line 3 is not JSON"),
        (first + trailer, "holds 1 messages"),
        (first + second.replace(b"two", b"too") + trailer, "was changed"),
        (whole + second, "behind the trailer"),
        (b"[]\n", "no message"),
    ):
        file.write_bytes(broken)
        with pytest.raises(IncompleteExport, match=said):
            list(read_jsonl(file))


def test_a_folder_is_written_by_one_export_at_a_time_and_takes_any_name(tmp_path: Path) -> None:
    place = tmp_path / "new"
    with locked_folder(place):
        with pytest.raises(FolderRefused, match="another export is writing to"), locked_folder(place):
            pass
        order = ExportOrder(selection=facts_of(None).selection, format=ExportFormat.PARQUET, split=Split.CHANNEL)
        folder = ExportFolder(place, order)
        folder.begin(NOW)
        for number, (name, fit) in enumerate({"𝓰" * 300: "𝓰" * 30, "é" * 80: "é" * 60, "\ud800": "channel"}.items()):
            file = f"{folder.name_of(replace(PLACE, name=name, platform_id=str(number) * 64))}.parquet"
            with folder.file(file):
                pass
            assert file.split(".")[0] == fit
            assert folder.holds(file)
    assert not [entry for entry in place.iterdir() if entry.name.endswith(".part")]
    with locked_folder(place):
        (place / "._export.lock.part").unlink()  # by an export that ends at the same moment
    with locked_folder(place):
        pass


@pytest.mark.parametrize("form", list(FORMATS))
@pytest.mark.slow
def test_what_is_given_up_writes_nothing_more(form: ExportFormat) -> None:
    sink = io.BytesIO()
    writer = FORMATS[form].make(sink, facts_of(PLACE))
    writer.write([exported(1, "one")])
    writer.abandon()
    sink.close()
    del writer
    gc.collect()  # where a writer would now write an end, pytest says so


def test_no_cell_is_a_formula_and_every_text_comes_back() -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "'quoted'", 'a "b", c', "two\r\nlines", "", "x=1", "\n=1"]
    data = written(ExportFormat.CSV, *(exported(n, text) for n, text in enumerate(texts, 1)))
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    for row, text in zip(rows, texts, strict=True):
        assert not row["content"].startswith(tuple(set(GUARDED) - {"'"}))
        assert row["content"].removeprefix("'") == text


FULL = {
    "embeds": [
        {"title": "t", "color": 255, "author": {"name": "n"}, "image": {"url": "u"}, "fields": [{"name": "f"}]},
        {"thumbnail": {"url": "u", "width": 1}, "footer": {"text": "f", "icon_url": "i"}},
    ],
    "stickers": [{"id": "8", "name": "wave", "format_type": 3}],
    "mentions": [WHO],
    "forward": {"content": "once", "sent_at": "2026-01-01T00:00:00+00:00", "attachments": [{"id": "3"}]},
    "reference": {"type": 1, "message_id": "3", "channel_id": "4", "guild_id": "100"},
    "interaction": {"name": "play", "user_hash": WHO},
    "pinned": True,
}


def test_no_type_is_a_word_that_the_other_exporter_does_not_know() -> None:
    kinds = [kind.name for kind in discord.MessageType]
    messages = [exported(number, "", type=kind) for number, kind in enumerate(["40", *kinds])]
    types = [one["type"] for one in orjson.loads(written(ExportFormat.DCE_JSON, *messages))["messages"]]
    for kind, known in zip(["40", *kinds], types, strict=True):
        is_number = known.isdecimal() and (kind == known or discord.MessageType[kind].value == int(known))
        assert is_number or known[0].isupper(), kind


def test_a_row_group_of_parquet_is_written_once_many_users_wait() -> None:
    given = ShownReaction(emoji_key="👍", emoji="👍", burst=False, count=60_000, user_hashes=(WHO,) * 60_000)
    data = written(ExportFormat.PARQUET, *(exported(number, "", reactions=(given,)) for number in range(1, 4)))
    assert [pq.ParquetFile(io.BytesIO(data)).metadata.row_group(n).num_rows for n in range(2)] == [2, 1]


def test_text_for_other_tools_has_the_names_that_people_have_there_and_times_in_words() -> None:
    said = f"<@{WHO}>, and <@{WHO}>: <t:1700000000:R> <t:99999999999999> <:smile:66> <#5>"
    (one,) = orjson.loads(written(ExportFormat.DCE_JSON, exported(1, said, metadata={"mentions": [WHO]})))["messages"]
    name = one["mentions"][0]["name"]
    expected = f"@{name}, and @{name}: 2023-11-14 22:13 UTC <t:99999999999999> <:smile:66> <#5>"
    assert (one["content"], name) == (expected, WHO[:8])


USER = {"id", "name", "discriminator", "nickname", "color", "isBot", "avatarUrl"}
MESSAGE = [
    *("id", "type", "timestamp", "timestampEdited", "callEndedTimestamp", "isPinned", "content", "author"),
    *("attachments", "embeds", "stickers", "reactions", "mentions", "reference", "forwardedMessage", "interaction"),
    "inlineEmojis",
]


def test_the_json_of_the_other_exporter_has_its_keys_in_their_order() -> None:
    file = ShownAttachment(
        platform_id="9", filename="a.png", size_bytes=None, content_type=None, url="u", url_expires_at=None, metadata={}
    )
    given = [
        ShownReaction(emoji_key="❤️", emoji="❤️", burst=False, count=2, user_hashes=(WHO,)),
        ShownReaction(emoji_key="77", emoji="<a:dance:77>", burst=False, count=1),
    ]
    full = exported(1, "hi <:smile:66> <@x>", metadata=FULL, attachments=(file,), reactions=tuple(given))
    odd = exported(2, "", type="chat_input_command", author_hash=None, author_kind="webhook", metadata={"embeds": "?"})
    data = written(ExportFormat.DCE_JSON, full, odd)
    document = orjson.loads(data)
    assert list(document) == ["guild", "channel", "dateRange", "exportedAt", "messages", "messageCount"]
    assert document["messageCount"] == 2
    assert list(document["channel"]) == ["id", "type", "categoryId", "category", "name", "topic"]
    one, other = document["messages"]
    assert list(one) == MESSAGE
    assert set(one["author"]) == USER | {"roles"}
    assert (one["author"]["id"], one["author"]["nickname"], other["author"]["id"]) == (WHO, WHO[:8], "0")
    heart, dance = [reaction["emoji"] for reaction in one["reactions"]]
    assert (heart["id"], heart["imageUrl"].rpartition("/")[2], dance["id"], dance["isAnimated"]) == (
        *("", "2764.svg"),
        *("77", True),
    )
    assert [set(user) for user in one["reactions"][0]["users"]] == [USER]
    assert [emoji["id"] for emoji in one["inlineEmojis"]] == ["66"]
    assert one["embeds"][0]["color"] == "#0000FF"
    assert one["reference"]["type"] == "Forward"
    assert other["type"] == "20"
    assert all(key in one["reactions"][0]["users"][0] for key in ("name", "avatarUrl"))
    assert re.search(r'"timestamp": ?"([0-9-:.+T]+)"', data.decode()), "a time is found where there is no Z"
    assert orjson.loads(written(ExportFormat.DCE_JSON))["messages"] == []
    with pytest.raises(NotOneChannel):
        written(ExportFormat.DCE_JSON, channel=None)
