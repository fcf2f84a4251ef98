"""What tests of the pages share."""

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
