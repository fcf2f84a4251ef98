"""One person's erasure request from the command line, beside a running daemon and without one."""

import hashlib
import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from adapters.discord.simulator import Simulator, uniform_world
from tests.support.archive_folder import everything_in
from tests.support.guilds import guild_of
from tests.support.process import UNHURRIED, process, run_to_end, sqlite_url
from tests.support.typed import typed_to_end

pytestmark = [pytest.mark.process, pytest.mark.slow, pytest.mark.usefixtures("restored_logging")]

TABLES = ("messages", "attachments", "reactions", "channels", "reaction_totals", "sync_jobs", "tenants")


def everything(url: str) -> str:
    """Every row of the archive but the list of those who were erased, as text."""
    engine = create_engine(url.replace("+aiosqlite", ""))
    try:
        with engine.connect() as connection:
            return "\n".join(str(tuple(row)) for t in TABLES for row in connection.execute(text(f"SELECT * FROM {t}")))  # noqa: S608
    finally:
        engine.dispose()


async def test_a_person_is_exported_and_forgotten_for_good(tmp_path: Path) -> None:
    url, world = sqlite_url(tmp_path), uniform_world(2, 150)
    guild_id = guild_of(world)
    channel, *_ = world.guilds[guild_id].channels.values()
    ada, *_ = [user for user in world.guilds[guild_id].users.values() if not user.bot]
    ada_hash = hashlib.sha256(str(ada.id).encode()).hexdigest()
    async with Simulator(world) as sim:
        original = int(sim.change.post(channel.id, "my words", ada.id, silent=True)["id"])
        sim.change.post(channel.id, f"hello <@{ada.id}>", reply_to=original, silent=True)
        sim.change.react(channel.id, original, "👍", ada.id, silent=True)
        async with process(tmp_path / "log", sim=sim, url=url, settings=UNHURRIED) as daemon:
            await daemon.synced()
            assert ada_hash in everything(url)
            status, said = await typed_to_end("export-user", str(ada.id), url=url)
            assert status == 0, said
            lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
            assert "my words" in {line.get("content") for line in lines}
            assert {"message", "reaction"} <= {line["kind"] for line in lines}
            assert str(ada.id) not in said

            port = (await daemon.url()).rpartition(":")[2]
            same_port = {"PLATFORM_SYNC_HTTP__PORT": port}
            status, said = await run_to_end(
                tmp_path / "forget", "forget", url=url, settings=same_port, given=f"{ada.id}\n"
            )
            assert (status, "removed " in said, str(tmp_path / "archive.db") in said) == (0, True, True), said
            assert str(ada.id) not in said + daemon.log
            assert ada_hash not in everything(url)
            # Neither a new message nor an audit brings anything of them back.
            sim.change.post(channel.id, "and more", ada.id)
            sim.change.edit(channel.id, original, "my other words")
            _, audit = await daemon.sync(guild_id, "audit")
            assert audit["status"] == "succeeded"
            held = everything(url)
            assert ada_hash not in held
            assert "my words" not in held
            assert "my other words" not in held
            assert "and more" not in held
            assert str(original) in held, "a tombstone keeps the reply walkable"
            await daemon.stop()
        status, said = await typed_to_end("forget", str(ada.id), url=url)
        assert (status, "nothing was left to remove" in said) == (0, True), said


async def test_an_opt_out_outlasts_a_kill_and_opting_in_brings_nothing_back(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    url, world = sqlite_url(folder), uniform_world(1, 100)
    guild_id = guild_of(world)
    channel, *_ = world.guilds[guild_id].channels.values()
    ada, *_ = [user for user in world.guilds[guild_id].users.values() if not user.bot]
    async with Simulator(world) as sim:
        async with process(tmp_path / "first", sim=sim, url=url, settings=UNHURRIED) as daemon:
            await daemon.synced()
            same_port = {"PLATFORM_SYNC_HTTP__PORT": (await daemon.url()).rpartition(":")[2]}
            status, said = await typed_to_end("opt-out", url=url, settings=same_port, given=f"{ada.id}\n")
            assert (status, "nothing more of this person is stored" in said) == (0, True), said
            for number in range(20):
                sim.change.post(channel.id, f"my words {number}", ada.id)
            await daemon.kill()
        sim.change.post(channel.id, "my words while it is away", ada.id)
        async with process(tmp_path / "second", sim=sim, url=url, settings=UNHURRIED) as daemon:
            await daemon.synced()
            await daemon.sync(guild_id)
            same_port = {"PLATFORM_SYNC_HTTP__PORT": (await daemon.url()).rpartition(":")[2]}
            status, said = await typed_to_end("opt-in", url=url, settings=same_port, given=f"{ada.id}\n")
            assert (status, "ended 1 opt-out" in said) == (0, True), said
            _, audit = await daemon.sync(guild_id, "audit")
            assert (audit["status"], str(ada.id) in daemon.log + said) == ("succeeded", False)
            await daemon.stop()
    assert everything(url).count("opted_out") == 21
    assert "my words" not in everything_in(folder)


async def test_an_id_that_is_none_is_refused(tmp_path: Path) -> None:
    status, said = await typed_to_end("forget", "ada", url=sqlite_url(tmp_path))
    assert (status, "USER_ID must be an id of discord" in said, "Traceback" in said) == (1, True, False), said
