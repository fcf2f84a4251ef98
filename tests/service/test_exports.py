"""Exports of everything that a message can have, read back by strangers and compared with the archive row by row."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pandas as pd
import pyarrow.parquet as pq
import pytest

from adapters.discord.simulator import World
from adapters.discord.simulator.truth import secrets
from bot.export import ExportFormat, ExportOrder, ExportProgress, FolderExport, FolderRefused, Split, read_jsonl
from bot.html_export import HtmlExport, verify_folder
from storage.database import Database, open_for_reading
from storage.export import ExportSelection
from tests.support.builders import SHA
from tests.support.daemon import Daemon
from tests.support.exported import Archive, of_json_lines, of_tables, of_the_other_exporter, place_of
from tests.support.exported_pages import of_pages
from tests.support.rich_archive import rich_archive
from tests.support.secrets import any_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

ALL = {"jsonl": Split.NONE, "csv": Split.NONE, "parquet": Split.NONE, "dce-json": Split.CHANNEL, "html": Split.CHANNEL}


async def export_all(db: Database, guild_id: int, folder: Path) -> None:
    for form, split in ALL.items():
        order = ExportOrder(
            selection=ExportSelection(tenant_id=f"discord-{guild_id}"), format=ExportFormat(form), split=split
        )
        if form == "html":
            await HtmlExport(db=db, order=order, path=folder / form, page_size=40).run()
        else:
            await FolderExport(db=db, order=order, path=folder / form).run()


async def test_every_export_is_the_archive_row_by_row(database_url: str, tmp_path: Path) -> None:
    is_small = not database_url.startswith("sqlite")  # its statements have tests of their own, and it takes longer
    async with rich_archive(database_url, is_small=is_small) as (world, daemon):
        db = await open_for_reading(database_url, hash_choice=SHA)
        for guild_id in world.guilds:
            folder = tmp_path / str(guild_id)
            await export_all(db, guild_id, folder)
            archive = Archive(database_url, guild_id)
            of_json_lines(archive, folder)
            of_tables(archive, folder)
            of_the_other_exporter(archive, folder)
            of_pages(archive, folder)
            assert verify_folder(folder / "html") == len(archive.messages)
        await goes_on_where_it_was_interrupted(db, guild_id=next(iter(world.guilds)), folder=tmp_path)
        await is_streamed(daemon, next(iter(world.guilds)), tmp_path)
        await db.close()
    tells_nothing_of_people(world, tmp_path)
    are_the_owners_alone(tmp_path)


async def goes_on_where_it_was_interrupted(db: Database, guild_id: int, folder: Path) -> None:
    """What was whole is kept, what was begun is written anew, and what is there in the end is all of it."""
    selection = ExportSelection(tenant_id=f"discord-{guild_id}")
    how: Any = {"format": ExportFormat.JSONL, "split": Split.CHANNEL}
    order = ExportOrder(selection=selection, **how)
    place = folder / "interrupted"

    def stop(progress: ExportProgress) -> None:
        if progress.files == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await FolderExport(db=db, order=order, path=place, on_progress=stop).run()
    before = {file.name: file.stat().st_mtime_ns for file in place.glob("*.jsonl")}
    assert len(before) == 1
    other = ExportOrder(selection=selection, format=ExportFormat.CSV, split=Split.CHANNEL)
    with pytest.raises(FolderRefused, match="something else"):
        await FolderExport(db=db, order=other, path=place).run()
    attempts = [FolderExport(db=db, order=order, path=place).run() for _ in range(2)]
    done, refused = sorted(
        await asyncio.gather(*attempts, return_exceptions=True), key=lambda r: isinstance(r, Exception)
    )
    assert isinstance(refused, FolderRefused)
    # Or the first one has ended before the second one looked.
    assert re.search("another export is writing to|holds this export, complete", str(refused))
    assert isinstance(done, ExportProgress)
    assert done.kept == 1
    assert before == {name: (place / name).stat().st_mtime_ns for name in before}
    (whole,) = (folder / str(guild_id) / "jsonl").glob("*.jsonl")
    rows = [row for file in place.glob("*.jsonl") for row in read_jsonl(file)]
    assert sorted(map(place_of, rows)) == sorted(place_of(row) for row in read_jsonl(whole))
    new = [row for file in place.glob("*.jsonl") if file.name not in before for row in read_jsonl(file)]
    note = json.loads((place / "_export.json").read_bytes())
    assert note["messages_written"] == done.messages == len(new)
    first, second = note["taken_at"]
    with pytest.raises(FolderRefused, match=f"complete as of between {re.escape(first)} and {re.escape(second)}"):
        await FolderExport(db=db, order=order, path=place).run()
    (folder / "killed").mkdir(mode=0o700)
    (folder / "killed/._export.json.part").touch(mode=0o600)
    one = ExportOrder(selection=ExportSelection(tenant_id=f"discord-{guild_id}", author="0" * 64), **how)
    assert (await FolderExport(db=db, order=one, path=folder / "killed").run()).messages == 0
    (folder / "strange").mkdir(mode=0o700)
    (folder / "strange/file").touch(mode=0o600)
    with pytest.raises(FolderRefused, match="is not empty"):
        await FolderExport(db=db, order=order, path=folder / "strange").run()


async def is_streamed(daemon: Daemon, guild_id: int, folder: Path) -> None:
    """The API sends the same bytes, as one file."""
    address = f"{daemon.url}/api/tenants/discord-{guild_id}/export"
    async with aiohttp.ClientSession() as session:
        for form in ("jsonl", "csv", "parquet"):
            async with session.get(address, params={"format": form}) as answer:
                assert answer.status == 200
                assert answer.headers["Content-Disposition"] == f'attachment; filename="discord-{guild_id}.{form}"'
                sent = folder / f"sent.{form}"
                sent.touch(mode=0o600)
                sent.write_bytes(await answer.read())
        (whole,) = (folder / str(guild_id) / "jsonl").glob("*.jsonl")
        assert [row["message_id"] for row in read_jsonl(folder / "sent.jsonl")] == [
            row["message_id"] for row in read_jsonl(whole)
        ]
        assert pq.read_table(folder / "sent.parquet").num_rows == len(pd.read_csv(folder / "sent.csv"))
        document = next((folder / str(guild_id) / "dce-json").glob("*.*.json"))
        channel = document.name.split(".")[-2]
        async with session.get(address, params={"format": "dce-json", "channel": channel}) as answer:
            assert json.loads(await answer.read())["messages"] == json.loads(document.read_text())["messages"]
        for query, status in (
            ("format=dce-json", 400),
            ("format=html", 400),
            ("channel=1", 404),
            ("since=yesterday", 400),
            ("since=2026-02-01&until=2026-01-01", 400),
            ("since=2026-01-01&until=2026-01-01T00:00Z", 400),
            ("author=ada", 400),
            ("since=2999-01-01&include_deleted=true", 200),
        ):
            async with session.get(f"{address}?{query}") as answer:
                assert answer.status == status, (query, await answer.text())
        async with session.get(f"{daemon.url}/api/tenants/discord-1/export") as answer:
            assert answer.status == 404


def are_the_owners_alone(folder: Path) -> None:
    """Of all that an export makes; the test made the folders around it."""
    made = [place for form in (*ALL, "interrupted") for top in folder.rglob(form) for place in (top, *top.rglob("*"))]
    assert len(made) > 10
    for place in made:
        assert place.stat().st_mode & 0o077 == 0, f"{place} is not its owner's alone"
        assert not place.name.endswith(".part")


def tells_nothing_of_people(world: World, folder: Path) -> None:
    """The other formats hold the same, row by row."""
    ids, names = secrets(world)
    name = any_of(names)
    for form in ("jsonl", "dce-json", "html"):
        searched = b"".join(file.read_bytes() for file in folder.glob(f"*/{form}/**/*") if file.is_file())
        assert len(searched) > 100_000
        assert not ids & {run.decode() for run in re.findall(rb"[0-9]{15,}", searched)}, form
        assert not name.search(searched), form
