"""No user's id or name in any stored byte, log line or answer of the API."""

import json
import logging
import re
from pathlib import Path

import pytest

from adapters.discord.simulator import Simulator
from adapters.discord.simulator.truth import secrets
from bot import logs
from tests.support.daemon import running_daemon
from tests.support.rich_archive import lean_rich_world
from tests.support.secrets import any_of

pytestmark = pytest.mark.usefixtures("restored_addresses", "restored_logging")


@pytest.mark.slow
async def test_no_id_or_name_of_a_user_is_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = lean_rich_world()
    ids, names = secrets(world)
    assert len(ids) > 20
    assert len(names) > 20
    folder = tmp_path / "data"
    answers: list[object] = []
    logs.set_up("DEBUG", "json", secrets=[world.token])
    for library in logs.LIBRARIES.keys() - {"aiosqlite", "sqlalchemy"}:  # tens of thousands of statements
        logging.getLogger(library).setLevel(logging.DEBUG)
    async with Simulator(world) as sim, running_daemon(sim, f"sqlite+aiosqlite:///{folder}/archive.db") as daemon:
        answers += await daemon.idle(len(world.guilds))
        for guild_id in world.guilds:
            await daemon.sync(guild_id)
            answers.append(await daemon.ask("GET", f"/api/tenants/discord-{guild_id}"))
        answers.append(await daemon.ask("GET", "/api/tenants"))
        _, elsewhere = await daemon.ask("POST", "/api/tenants", json={"platform": "discord", "platform_id": "1"})
        assert str(world.application_id) in elsewhere.pop("invite_url"), "the one id that has to be there"
        answers.append(elsewhere)
        searched = {"metrics": (await daemon.metrics.expose(""))[0]}
        write_ahead_log = [file for file in folder.iterdir() if file.name.endswith("-wal")]
        searched |= {file.name: file.read_bytes() for file in folder.iterdir()}
        assert write_ahead_log, "searched while the newest rows are in the write-ahead log"
    searched |= {f"{file.name}, closed": file.read_bytes() for file in folder.iterdir()}
    lines = "".join(capsys.readouterr()).splitlines()
    assert len(lines) > 500
    # Without their times most lines are alike.
    searched["log"] = "\n".join({re.sub(r'"timestamp": "[^"]*"', "", line) for line in lines}).encode()
    searched["answers"] = json.dumps(answers).encode()
    secret = any_of({world.token, *ids, *names})
    for place, content in searched.items():
        found = secret.search(content)
        assert not found, f"{place} holds {found}"
