"""The verbs about one person, typed into a terminal or fed by a script."""

import asyncio
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import bot.cli_opt_outs
import bot.cli_people
from bot.cli import app
from storage.channels import channel_states, save_channels
from storage.database import open_database
from storage.messages import MessageBatch, save_batch
from storage.tenants import save_tenant
from tests.support.builders import GUILD, NOW, SHA, channel, message
from tests.support.job_steps import running_job

PERSON = "80351110224678912"

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restored_logging: None) -> Iterator[Run]:
    """Runs a verb on the archive of a folder."""
    mask = os.umask(0o022)

    def invoke(*arguments: str, given: str | None = None, folder: Path = tmp_path) -> Result:
        monkeypatch.setenv("PLATFORM_SYNC_DATABASE__URL", f"sqlite+aiosqlite:///{folder}/archive.db")
        return CliRunner().invoke(app, arguments, input=given)

    yield invoke
    os.umask(mask)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive with a tenant and a message of the person's."""
    from adapters.privacy import UserHasher

    async def fill() -> None:
        db = await open_database(f"sqlite:///{tmp_path}/archive.db", hash_choice=SHA)
        tenant, _ = await save_tenant(db, "discord", GUILD, connected=True, now=NOW)
        lease = await running_job(db, tenant.id)
        await save_channels(db, tenant.id, [channel("5")], NOW)
        (state,) = await channel_states(db, tenant.id)
        theirs = message(1, author_hash=UserHasher().of(PERSON), content="my words")
        batch = MessageBatch(tenant_id=tenant.id, channel_id=state.id, messages=[theirs], job=lease)
        await save_batch(db, batch, NOW)
        await db.close()

    asyncio.run(fill())
    return tmp_path / "archive.db"


@pytest.mark.parametrize(
    "verb",
    ["forget", "opt-out", "opt-in", "opt-outs", "export-user", "erasures list", "erasures export", "erasures replay"],
)
def test_nothing_is_made_where_there_is_no_archive(run: Run, tmp_path: Path, verb: str) -> None:
    folder = tmp_path / "nowhere"
    ended = run(*verb.split(), given=PERSON if " " not in verb else "", folder=folder)
    assert ended.exit_code != 0
    assert f"There is no archive at {folder / 'archive.db'}" in ended.output
    assert PERSON not in ended.output
    assert not folder.exists()


@pytest.mark.parametrize("verb", ["forget", "check"])
def test_where_there_is_no_archive_the_demo_s_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISCORD_BOT_TOKEN", raising=False)
    hint = "The demo's archive is another one: PLATFORM_SYNC_DATABASE__URL=sqlite:///data/demo.db ./run"
    assert hint not in run(verb, given=PERSON, folder=tmp_path / "nowhere").output
    (tmp_path / "data").mkdir()
    (tmp_path / "data/demo.db").touch()
    assert hint in run(verb, given=PERSON, folder=tmp_path / "nowhere").output


@pytest.mark.parametrize("verb", ["forget", "export-user"])
@pytest.mark.slow
def test_a_mistyped_tenant_is_answered_with_the_known_ones(run: Run, archive: Path, verb: str) -> None:
    for mistyped in ("discord-1000", "discord-0100", "100", ""):
        ended = run(verb, "--tenant", mistyped, given=PERSON)
        assert ended.exit_code != 0
        assert f"no tenant {mistyped} in the archive at {archive}: it holds discord-100" in ended.output
    assert "my words" in run("export-user", given=PERSON).output


@pytest.mark.slow
def test_an_id_that_is_none_is_refused_and_not_repeated(run: Run, archive: Path) -> None:
    for wrong in ("", "ada", f"0{PERSON}", f"{PERSON} x", "８０３５１１１０２２４６７８９１２"):
        ended = run("forget", given=wrong)
        assert ended.exit_code == 1
        assert "USER_ID must be an id of discord" in ended.output
        assert not wrong or wrong not in ended.output


@pytest.mark.slow
def test_an_export_is_its_owner_s_alone(run: Run, archive: Path, tmp_path: Path) -> None:
    output = tmp_path / "export.jsonl"
    output.touch(0o666)
    output.chmod(0o666)
    ended = run("export-user", "--output", str(output), given=f"{PERSON}\n")
    assert (ended.exit_code, output.stat().st_mode & 0o777) == (0, 0o600)
    assert json.loads(output.read_text())["content"] == "my words"
    assert f"wrote 1 message, of the archive at {archive}" in ended.output


@pytest.mark.slow
def test_every_file_of_a_verb_is_its_owner_s_alone(run: Run, archive: Path) -> None:
    assert run("erasures", "list").exit_code == 0
    mask = os.umask(0o022)
    assert mask == 0o077


@pytest.mark.slow
def test_erasure_requests_are_carried_over_a_restore(run: Run, archive: Path, tmp_path: Path) -> None:
    backup = archive.read_bytes()
    ended = run("forget", "--tenant", "discord-100", given=PERSON)
    assert ended.exit_code == 0
    assert f"removed 1 message, 0 attachments, 0 reactions, 0 mentions in the archive at {archive}" in ended.output
    kept = tmp_path / "requests"
    assert run("erasures", "export", "--output", str(kept)).exit_code == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    archive.write_bytes(backup)
    assert b"my words" in archive.read_bytes()
    ended = run("erasures", "replay", str(kept))
    assert (ended.exit_code, "1 erasure request: removed 1 message" in ended.output) == (0, True), ended.output
    assert b"my words" not in archive.read_bytes()
    listed = run("erasures", "list").output
    heads, line = (re.split(" {2,}", line.strip()) for line in listed.splitlines())
    assert heads == ["requested", "status", "person", "tenant"]
    assert re.fullmatch(r"completed [0-9a-f]{8} discord-100", " ".join(line[1:])), listed
    again = run("forget", "--tenant", "discord-100", given=PERSON).output
    assert again == (
        f"this person was forgotten already, on {line[0]}: nothing was left to remove in the archive at {archive}\n"
    )
    assert "removed 0 messages" in run("forget", given=PERSON).output, "in all tenants, which was not requested before"


@pytest.mark.slow
def test_opting_out_and_in_again(run: Run, archive: Path, tmp_path: Path) -> None:
    backup = archive.read_bytes()
    said = run("opt-out", given=PERSON)
    assert (said.exit_code, "any tenant there is or will be; removed 0 messages" in said.output) == (0, True), said
    assert b"my words" in archive.read_bytes()
    erased = run("opt-out", "--tenant", "discord-100", "--erase", given=PERSON)
    assert "nothing more of this person is stored in discord-100; removed 1 message" in erased.output
    assert b"my words" not in archive.read_bytes()
    for more in ((), ("--erase",)):
        repeated = run("opt-out", "--tenant", "discord-100", *more, given=PERSON).output
        found = r"stored in discord-100, as since \S+ \S+Z; nothing was left to remove in "
        assert re.search(found, repeated), repeated
    refused = run("opt-in", "--tenant", "discord-100", given=PERSON)
    assert (refused.exit_code, "has opted out of all tenants" in refused.output) == (1, True), refused.output
    assert "ended 2 opt-outs: what is written from a minute from now on" in run("opt-in", given=PERSON).output
    assert "ended 0 opt-outs: nothing to end" in run("opt-in", given=PERSON).output
    heads, *lines = run("opt-outs").output.splitlines()
    assert re.split(" {2,}", heads.strip()) == ["withheld from", "until", "person", "tenant"]
    assert any(re.search(r"the beginning +\S+ \S+Z +[0-9a-f]{8}  discord-100", line) for line in lines), lines
    exported = run("export-user", given=PERSON)
    assert [json.loads(line)["kind"] for line in exported.stdout.splitlines()] == ["opt_out"] * 2
    kept = tmp_path / "requests"
    assert "wrote 2 opt-outs" in run("erasures", "export", "--output", str(kept)).output
    assert PERSON not in kept.read_text()
    listed = run("opt-outs").output
    archive.write_bytes(backup)
    replayed = run("erasures", "replay", str(kept)).output
    assert "fulfilled 2 opt-outs: removed 1 message" in replayed, replayed
    assert "2 opt-outs: nothing was left to remove" in run("erasures", "replay", str(kept)).output
    assert b"my words" not in archive.read_bytes()
    assert run("opt-outs").output == listed


@pytest.mark.slow
def test_what_is_no_list_of_erasure_requests_is_refused_whole(run: Run, archive: Path) -> None:
    good = {"user_hash": "0" * 64, "tenant_id": None, "requested_at": "2026-11-26T00:00:00+00:00", "hash_choice": SHA}
    for wrong, said in (
        ({**good, "user_hash": PERSON}, "line 2 is no request"),
        ({**good, "requested_at": "yesterday"}, "line 2 is no request"),
        ({**good, "requested_at": "0001-01-01T00:00:00+14:00"}, "line 2 is no request"),
        ({**good, "tenant_id": ""}, "line 2 is no request"),
        ({**good, "hash_choice": "hmac-sha256:0"}, "line 2 is of an archive that hashes its users otherwise"),
        ([], "line 2 is no request"),
    ):
        ended = run("erasures", "replay", given=f"{json.dumps(good)}\n{json.dumps(wrong)}\n")
        assert (ended.exit_code, said in ended.output) == (1, True), ended.output
    listed = run("erasures", "list")
    assert (listed.stdout, listed.stderr) == ("", f"no erasure requests in the archive at {archive}\n")


def test_a_reader_of_an_export_that_has_enough_is_met_where_that_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not in the last flush of all, of which Python says so in its own words."""
    read, write = os.pipe()
    os.close(read)
    with io.TextIOWrapper(os.fdopen(os.dup(write), "wb")) as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        with pytest.raises(BrokenPipeError), bot.cli_people._private(None) as output:
            output.write(b"a line")
        os.dup2(os.open(os.devnull, os.O_WRONLY), gone.fileno())
    os.close(write)
