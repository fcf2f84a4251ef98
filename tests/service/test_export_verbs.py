"""The verbs that take messages along, as an operator types them."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

import bot.cli_backup
import bot.cli_export
import bot.cli_people  # they add their verbs
from bot.cli import app
from storage.channels import channel_states, save_channels
from storage.database import open_database
from storage.messages import MessageBatch, save_batch
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA, channel, message
from tests.support.job_steps import running_job

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_logging")]

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a verb on an archive of five messages."""
    mask = os.umask(0o022)
    url = f"sqlite:///{tmp_path}/archive.db"

    async def fill() -> None:
        db = await open_database(url, hash_choice=SHA)
        tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
        lease = await running_job(db, tenant.id)
        await save_channels(db, tenant.id, [channel("5", name="../etc/pass wd")], NOW)
        (state,) = await channel_states(db, tenant.id)
        messages = [message(number) for number in range(1, 6)]
        await save_batch(db, MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=messages, job=lease), NOW)
        await db.close()

    asyncio.run(fill())
    monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", url)
    yield lambda *words: CliRunner().invoke(app, words)
    os.umask(mask)


def test_an_export_is_written_checked_and_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "new/export"
    ended = run("export", "discord-100", "--output", str(folder), "--since", "2026-11-23", "--channel", "5")
    assert (ended.exit_code, f"wrote 5 messages in 1 file to {folder}" in ended.stderr) == (0, True), ended.output
    file = folder / "etc-pass-wd.5.jsonl"
    assert {place.stat().st_mode & 0o777 for place in (folder, folder.parent)} == {0o700}
    assert file.stat().st_mode & 0o777 == 0o600
    ended = run("verify-export", str(file))
    assert (ended.exit_code, "5 messages, whole" in ended.output) == (0, True)
    file.write_bytes(file.read_bytes()[:-100])
    ended = run("verify-export", str(file), str(folder / "none"))
    assert (ended.exit_code, "is not JSON" in ended.output) == (1, True)
    assert f"{folder}/none: there is no such file" in ended.output

    days = tmp_path / "days"
    ended = run("export", "discord-100", "--output", str(days), "--split", "day", "--since", "2026-11-20")
    assert ended.exit_code == 0, ended.output
    for day in (found := list(days.glob("etc-pass-wd.5/*.jsonl"))):
        chosen = orjson.loads(day.read_bytes().splitlines()[-1])["selection"]
        assert (chosen["channel"], chosen["since"], chosen["until"] > chosen["since"]) == (
            *("5", f"{day.stem}T00:00:00Z"),
            True,
        )
    assert found

    pages = tmp_path / "pages"
    ended = run("export", "discord-100", "--output", str(pages), "--format", "html", "--author", "aaaaaaaa")
    assert (ended.exit_code, "wrote 5 messages in 2 files" in ended.stderr) == (0, True), ended.output
    ended = run("verify-export", str(pages), str(pages / "index.html"))
    assert (ended.exit_code, f"{pages}: 5 messages, whole" in ended.output) == (0, True), ended.output
    page = pages / "etc-pass-wd.5/1.html"
    page.write_bytes(page.read_bytes().replace(b"message 1", b"message 7"))
    ended = run("verify-export", str(pages), str(folder))
    assert (ended.exit_code, "no whole page" in ended.output, "no export as html" in ended.output) == (1, True, True)

    def refused(*words: str, status: int = 1) -> str:
        ended = run("export", *words, "--output", str(tmp_path / "other"))
        assert ended.exit_code == status, ended.output
        return ended.output

    assert "it holds discord-100" in refused("discord-7")
    assert "There is no channel 9" in refused("discord-100", "--channel", "9")
    assert "one channel a file" in refused("discord-100", "--format", "dce-json", "--split", "none")
    assert "leave --split out" in refused("discord-100", "--format", "html", "--split", "day")
    assert "must be a pseudonym" in refused("discord-100", "--author", "ada", status=2)
    assert "must be a day or a time" in refused("discord-100", "--until", "soon", status=2)
    turned = ("discord-100", "--since", "2026-11-02", "--until", "2026-11-01")
    assert "--since must be before --until" in refused(*turned)
    assert not (tmp_path / "other").exists()
    (tmp_path / "file").touch()
    ended = run("export", "discord-100", "--output", str(tmp_path / "file" / "below"))
    assert (ended.exit_code, "give a folder" in ended.output) == (1, True), ended.output
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "requirements/export.lock" in refused("discord-100", "--format", "parquet")
    assert [place.name for place in (tmp_path / "other").iterdir()] == ["_export.json"], "nothing is left half done"
    assert bot.cli_export.parse_time("2026-11-23T10:00+02:00").hour == 8


def test_a_path_that_cannot_be_used_is_said_in_plain_words(run: Run, tmp_path: Path) -> None:
    (file := tmp_path / "file").touch()
    missing, below = tmp_path / "missing", file / "below"
    for words, said in {
        ("verify-export", missing): f"{missing}: there is no such file or folder",
        ("verify-export", below): f"{below}: it is a file, or below one",
        ("erasures", "replay", "--yes", missing): f"{missing}: there is no such file or folder",
        ("erasures", "replay", "--yes", tmp_path): f"{tmp_path}: it is a folder: give a file",
        ("erasures", "export", "--output", missing / "a"): f"{missing}/a: there is no such file or folder",
        ("export-user", "1", "--output", tmp_path): f"{tmp_path}: it is a folder: give a file",
        ("backup", "--output", file): f"{file}: it is a file, or below one: give a folder",
        ("backup", "--output", below): f"{file}: it is a file, or below one: give a folder",
        ("export", "discord-100", "--output", below): "is a file, or below one: give a folder",
    }.items():
        ended = run(*map(str, words))
        assert (ended.exit_code, said in ended.stderr, "Errno" in ended.output) == (1, True, False), ended.output
