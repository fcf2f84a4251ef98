"""What comes out of the log: one line an event, ours and the libraries', and nothing that must not."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import discord
import pytest
from rich.console import Console

from bot import logs
from bot.redaction import LogRedactor

USER_ID = 123_456_789_012_345_678
SECRET = "MTk4NjIyNDgz.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


Written = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written(restored_logging: None, monkeypatch: pytest.MonkeyPatch) -> Written:
    """JSON logs at DEBUG with every library's level forced open; gives the lines so far."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up("DEBUG", "json", secrets=[SECRET])
    for name in ("discord", "aiohttp", "asyncio", "aiosqlite", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def assert_clean(lines: list[dict[str, Any]]) -> None:
    """No line holds the user's id or the secret."""
    assert lines
    assert str(USER_ID) not in json.dumps(lines)
    assert SECRET not in json.dumps(lines)


def test_our_records_keep_their_facts(written: Written) -> None:
    channel = "223456789012345678"
    logging.getLogger("bot.sync").warning("channel gave up", extra={"channel": channel, "error": "status 500"})
    (line,) = written()
    assert line.pop("timestamp")
    assert line == {
        "event": "channel gave up",
        "level": "warning",
        "logger": "bot.sync",
        "channel": channel,
        "error": "status 500",
    }


def test_our_records_tell_ids_only_in_the_fields_for_them(written: Written) -> None:
    error = {"code": "channels_failed", "channels": [{"channel_id": "223456789012345678", "message": f"of {USER_ID}"}]}
    facts = {"tenant": "discord-323456789012345678", "error": error, "user": USER_ID, "path": f"/api/{USER_ID}"}
    logging.getLogger("bot.worker").error("sync ended", extra=facts)
    (line,) = written()
    assert_clean([line])
    assert line["tenant"] == "discord-323456789012345678"
    assert line["error"]["channels"] == [{"channel_id": "223456789012345678", "message": "of <id>"}]


def test_a_field_called_like_the_message_does_not_replace_it(written: Written) -> None:
    logging.getLogger("adapters.discord.client").warning("skipped it", extra={"event": "GUILD_CREATE", "level": "x"})
    (line,) = written()
    assert (line["event"], line["named"], line["level"]) == ("skipped it", "GUILD_CREATE", "warning")


async def test_discord_py_at_debug_tells_no_payload(written: Written) -> None:
    """The library's own calls: a request's trace, a gateway payload, a handler's error."""
    http, gateway = logging.getLogger("discord.http"), logging.getLogger("discord.gateway")
    user = {"id": str(USER_ID), "username": "kim", "global_name": "Kim"}
    http.debug("%s %s has received %s", "GET", f"https://discord.com/api/v10/users/{USER_ID}", user)
    http.debug("%s %s with %s has returned %s", "GET", f"https://x.test/reactions?after={USER_ID}&limit=100", None, 200)
    gateway.debug("For Shard ID %s: WebSocket Event: %s", 0, {"op": 0, "d": {"author": user}})
    gateway.debug("Received %s", json.dumps({"op": 0, "d": {"author": user}}))
    client = discord.Client(intents=discord.Intents.none())
    try:
        raise KeyError(user)
    except KeyError:
        await client.on_error("on_message")
    lines = written()
    assert_clean(lines)
    assert not any(name in json.dumps(lines) for name in ("kim", "Kim"))
    (line,) = [line for line in lines if "has returned" in line["event"]]
    assert line["event"] == "GET https://x.test/reactions?<query> with None has returned 200"


async def test_asyncio_tells_what_nobody_awaited_without_what_it_said(written: Written) -> None:
    async def fail() -> None:
        raise ValueError(f"user {USER_ID} with {SECRET}")

    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    del task
    lines = [line for line in written() if "never retrieved" in line["event"]]
    assert_clean(lines)
    assert "ValueError: user <id> with ***" in lines[0]["exception"]


def test_what_nobody_caught_is_one_line(written: Written) -> None:
    sys.excepthook(ValueError, ValueError(f"<@{USER_ID}> Bearer {SECRET}"), None)
    thread = threading.Thread(target=lambda: int(f"x{USER_ID}"))
    thread.start()
    thread.join()
    lines = written()
    assert_clean(lines)
    assert [line["event"] for line in lines] == ["nobody caught this: please report it"] * 2


def test_warnings_are_records(written: Written) -> None:
    warnings.simplefilter("always")
    warnings.warn(f"odd: {USER_ID}", UserWarning, stacklevel=1)
    (line,) = written()
    assert_clean([line])
    assert (line["logger"], line["level"]) == ("py.warnings", "warning")


def test_an_authorization_header_shows_its_name_only(written: Written) -> None:
    log = logging.getLogger("aiohttp.client")
    log.info("Authorization: Bearer abc.def")
    log.info("'Authorization': 'Bot abcdef'")
    log.info("sent Bearer abcdefghijklmnopqrstuvwxyz")
    assert [line["event"] for line in written()] == [
        "Authorization: ***",
        "'Authorization': '***'",
        "sent Bearer ***",
    ]


def test_a_record_that_cannot_be_written_is_told_without_its_text(written: Written) -> None:
    root = logging.getLogger()
    root.handlers[:] = root.handlers[:1]  # pytest's own would raise
    logging.getLogger("discord").info("%d", f"user {USER_ID}")
    (line,) = written()
    assert_clean([line])
    assert (line["event"], line["of"], line["cause"]) == ("a log record could not be written", "discord", "TypeError")


@pytest.mark.usefixtures("restored_logging")
def test_a_terminal_gets_text_above_the_progress() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=200)
    logs.set_up("INFO", "text", console, secrets=[SECRET])
    try:
        raise ValueError(f"user {USER_ID} {SECRET}")
    except ValueError:
        logging.getLogger("bot.worker").exception("it failed", extra={"job": "7"})
    logging.getLogger("discord.http").debug("too much")
    text = stream.getvalue()
    assert "it failed" in text
    assert "job=7" in text
    assert "ValueError: user <id> ***" in text
    assert "too much" not in text


def test_ids_of_users_go_whatever_a_platform_makes_them_of() -> None:
    redactor = LogRedactor(user_id_patterns=["[a-z0-9]{26}", "U[0-9A-Z]+", "@[a-z]+:[a-z.]+", "[1-9][0-9]{0,19}"])
    ids = ("51oirn3jqt7rj1ui7936jz6xqd", "U024BE7LH", "@ada:example.org")
    for is_ours in (False, True):
        logger = "bot.worker" if is_ours else "aiohttp"
        for id_ in ids:
            line = redactor(None, "", {"logger": logger, "reason": f"404 for {id_}, twice", "exception": f"no {id_}"})
            assert id_ not in str(line)
            assert line["reason"] == "404 for <id>, twice", "short numbers and words stay"
    assert redactor.text("UTC and URL at 12", is_ours=False) == "UTC and URL at 12"
    shown = redactor(None, "", {"logger": "bot.worker", "tenant_id": "post-U024BE7LH"})
    assert shown["tenant_id"] == "post-U024BE7LH", "what is shown on purpose is none of a user"
