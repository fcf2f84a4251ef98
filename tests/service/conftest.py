"""What service tests share."""

import shutil
from pathlib import Path

import discord.gateway
import discord.http
import pytest
import yarl


@pytest.fixture
def restored_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py keeps its addresses in class attributes; give them back after the test."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    gateway = discord.gateway.DiscordWebSocket
    monkeypatch.setattr(gateway, "DEFAULT_GATEWAY", yarl.URL(str(gateway.DEFAULT_GATEWAY)))


@pytest.fixture(autouse=True)
def migrated_archive(request: pytest.FixtureRequest, sqlite_template: Path) -> None:
    """Put an empty archive at the newest schema where a test has its own: migrations have tests of their own."""
    if "tmp_path" in request.fixturenames and "database_url" not in request.fixturenames:
        shutil.copy(sqlite_template, request.getfixturevalue("tmp_path") / "archive.db")
