"""What reads other people's text takes a time that grows with its length, whatever the text is."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.discord.convert import Scrubber, message_record
from adapters.privacy import UserHasher
from bot.redaction import LogRedactor
from tests.support.growth import assert_linear

USER = "123456789012345678"
NAMES = ["a" * length for length in range(2, 33)] + [f"{letter}x" for letter in "bcdefgh"]
PEOPLE: list[dict[str, Any]] = [{"id": str(10**17 + n), "username": name} for n, name in enumerate(NAMES)]

# One mention each, so that no quick look over the text can pass it by.
TEXTS = {
    "letters": "a",
    "labels": "a.",
    "hosts": "https://a.discord.",
    "schemes": "http://",
    "at signs": "@",
    "called names": " @" + "a" * 33,
    "names in one": "a@",
    "tags": "#1234",
    "tagged names": "a#1234",
    "brackets": "<",
    "opened mentions": "<@",
    "opened emoji": "<:a",
    "opened commands": "</a:1",
    "colons": "<a:" + ":1",
    "short numbers": "1234567890123456 ",
    "numbers": "1",
    "percents": "%3",
    "encoded digits": "%31",
    "encoded mentions": "%3C%40",
    "avatars": "https://cdn.discordapp.com/avatars/1/",
    "attachments": "https://cdn.discordapp.com/attachments/1/",
    "guilds": "https://cdn.discordapp.com/guilds/1/users/1/",
    "profiles": "a.discord.com/users/1",
    "signatures": "&hm=" + "a" * 63,
}


@pytest.mark.parametrize("part", TEXTS.values(), ids=TEXTS.keys())
def test_scrubbing_is_linear_in_the_text(part: str) -> None:
    assert_linear(
        lambda text: Scrubber(UserHasher().of, lambda: PEOPLE)(text),
        lambda length: f"<@{USER}> {part * (length // len(part))}",
        500,
    )


def test_scrubbing_does_not_grow_with_the_number_of_users_for_each_place_of_a_name() -> None:
    def made(size: int) -> tuple[str, list[dict[str, Any]]]:
        return " @ua" * size, [{"id": "1", "username": f"user{'x' * (n % 70)}{n}"} for n in range(size)]

    assert_linear(lambda both: Scrubber(UserHasher().of, lambda: both[1])(both[0]), made, 100)


LOGGED = {
    "letters": "a",
    "addresses": "http://-",
    "addresses with a question": "http://?",
    "brackets": "[",
    "spaced brackets": "{ ",
    "quoted brackets": "['",
    "people": "<User ",
    "mentions": "<@",
    "line ends": "\n",
    "bars": "|",
    "files": '\n File "',
    "authorizations": "authorization: ",
    "bots": "bot ",
    "spaces": "bot" + " " * 20,
    "cursors": "after=",
    "numbers": "1",
}


@pytest.mark.parametrize("part", LOGGED.values(), ids=LOGGED.keys())
@pytest.mark.parametrize("clean", ["text", "exception"])
def test_redaction_is_linear_in_the_text(part: str, clean: str) -> None:
    redactor = LogRedactor(["a secret of some length"])
    redact: Callable[[str], str] = redactor.exception
    if clean == "text":
        redact = lambda text: redactor.text(text, is_ours=False)  # noqa: E731
    assert_linear(redact, lambda length: part * (length // len(part)), 500)


def test_a_forward_full_of_embeds_is_linear_in_its_text() -> None:
    def message(length: int) -> dict[str, Any]:
        text = "a" * (length // 20) + f"<@{USER}>"
        embed = {"description": text, "fields": [{"name": text, "value": text}], "author": {"name": text}}
        inner = {"content": text, "embeds": [embed] * 10, "components": [{"type": 10, "content": text}]}
        return {"id": "1", "content": text, "embeds": [embed] * 10, "message_snapshots": [{"message": inner}]}

    assert_linear(lambda payload: message_record(payload, "2", UserHasher().of), message, 4000)
