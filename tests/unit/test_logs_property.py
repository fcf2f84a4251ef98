"""Wherever a library puts a user's id or a secret into a record, it does not come out."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.logs import make_formatter
from bot.redaction import LogRedactor
from tests.support.examples import examples

USER_IDS = st.integers(min_value=10**14, max_value=10**20 - 1).map(str)
# As long and as varied as a token or a good password is, with every character a password may have.
SECRETS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=8, max_size=40).filter(
    lambda secret: len(set(secret)) >= 6
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Nd"]), max_size=20)
LOGGERS = st.sampled_from(["discord.http", "discord.gateway", "aiohttp.client", "sqlalchemy.engine", "asyncio", "x"])
PLACES = st.sampled_from(
    ["message", "argument", "object", "named", "extra", "extra name", "exception", "cause", "group", "note", "stack"]
)
SHAPES = st.sampled_from(
    [
        "{}",
        "<@{}>",
        "<@!{}>",
        "/users/{}/x",
        "?after={}&limit=100",
        "%3C%40{}%3E",
        "{{'id': '{}'}}",
        '[{{"id": {}, "n": "',
        "a{}b",
        "Authorization: Bot {}",
        "postgresql://me:{}@host/x",
    ]
)


def record(name: str, place: str, text: str) -> logging.LogRecord:
    """A record that holds a text in one place."""
    made = logging.LogRecord(name, logging.DEBUG, "library.py", 1, "something", (), None)
    match place:
        case "message":
            made.msg = text.replace("%", "%%")
        case "argument":
            made.msg, made.args = "got %s and %r", (text, text)
        case "object":
            made.msg, made.args = "got %s and %r", ({"d": [text]}, (text,))
        case "named":
            made.msg, made.args = "got %(it)s", {"it": text}
        case "extra":
            made.__dict__["payload"] = {"d": [text], text: 1}
            made.__dict__["said"] = text
        case "extra name":
            made.__dict__[text] = 1
        case "stack":
            made.stack_info = f"Stack (most recent call last):\n  {text}"
        case _:
            made.exc_info = _exc_info(place, text)
    return made


def _exc_info(place: str, text: str) -> Any:
    error: Exception = ValueError(text, {"d": text})
    try:
        if place == "group":
            raise ExceptionGroup(text, [error])
        if place == "cause":
            raise KeyError("outer") from error
        if place == "note":
            error.add_note(text)
        raise error
    except (ValueError, KeyError, ExceptionGroup) as e:
        return type(e), e, e.__traceback__


def leaves(value: Any) -> Iterator[str]:
    """Every text of a JSON value, names too."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield str(value)


def said(made: logging.LogRecord, secret: str) -> str:
    """All that is written of a record, as JSON and as text."""
    as_json = make_formatter(structlog.processors.JSONRenderer(), LogRedactor([secret])).format(made)
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    as_text = make_formatter(plain, LogRedactor([secret])).format(made)
    return "\n".join([as_json, as_text, *leaves(json.loads(as_json))])


@settings(max_examples=examples(400))
@given(LOGGERS, PLACES, SHAPES, TEXTS, USER_IDS, TEXTS)
@example("discord.http", "exception", "{}", '  File "x", line 1, in y\n', "123456789012345678", "")
@pytest.mark.slow
def test_no_id_comes_out_of_a_librarys_record(
    name: str, place: str, shape: str, before: str, user_id: str, after: str
) -> None:
    assert user_id not in said(record(name, place, before + shape.format(user_id) + after), "a secret of ours")


@settings(max_examples=examples(400))
@given(st.one_of(LOGGERS, st.just("bot.sync")), PLACES, SHAPES, TEXTS, SECRETS, TEXTS)
@pytest.mark.slow
def test_no_secret_comes_out_of_any_record(
    name: str, place: str, shape: str, before: str, secret: str, after: str
) -> None:
    assert secret not in said(record(name, place, before + shape.format(secret) + after), secret)


@pytest.mark.parametrize("place", ["exception", "cause", "note"])
def test_a_traceback_keeps_its_places(place: str) -> None:
    text = said(record("bot.worker", place, "<@123456789012345678>"), "a secret of ours")
    assert "test_logs_property.py" in text
    assert "raise error" in text or "raise KeyError" in text
