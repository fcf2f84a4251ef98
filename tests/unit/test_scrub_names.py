"""Names of people in text: at word borders only."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.discord.convert import Scrubber, message_record
from adapters.discord.simulator.truth_scrub import hash_with
from adapters.discord.simulator.truth_scrub import scrub as true_scrub
from adapters.privacy import UserHasher
from tests.support.examples import examples

OK, OKAY, WIDE = "101", "102", "103"
PEOPLE: list[dict[str, Any]] = [
    {"id": OK, "username": "ok", "global_name": "Mr. Ok"},
    {"id": OKAY, "username": "okay.then", "nick": "o!"},
    {"id": WIDE, "username": "字字"},
]


def scrub(text: str) -> str:
    return Scrubber(UserHasher().of, lambda: PEOPLE)(text)


def mention(user_id: str) -> str:
    return f"<@{hashlib.sha256(user_id.encode()).hexdigest()}>"


@pytest.mark.parametrize(
    "text",
    [
        "@okay",
        "ok@ok.com",
        "mail first.ok@ok.example or x_@ok",
        "@ok.com",
        "@ok_",
        "@ok2",
        "joke#1234",
        "a.ok#1234",
        "ok#12345",
        "ok#1234a",
        "@okay.thenceforth",
        "ok, said Mr. Ok",
    ],
)
def test_a_part_of_a_word_is_nobodys_name(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "user_id"),
    [
        ("{}", OK),
        ("({}), {}. {}: {}!", OK),
        ("{}'s, {}-like, /{}/", OK),
        ("{}...", OK),
        ("字{}字", OK),
    ],
)
def test_a_name_at_word_borders_is_replaced(text: str, user_id: str) -> None:
    for said in ("@ok", "ok#0001", "@Mr. Ok"):
        assert scrub(text.replace("{}", said)) == text.replace("{}", mention(user_id))


def test_the_longest_name_counts_and_one_that_ends_in_a_sign_has_its_border() -> None:
    assert scrub("@okay.then @o!x @okay.") == f"{mention(OKAY)} {mention(OKAY)}x @okay."


def test_in_scripts_without_spaces_every_place_is_a_border() -> None:
    assert scrub("你好@字字你好") == f"你好{mention(WIDE)}你好"


def test_an_author_whose_name_is_a_word_does_not_change_the_text() -> None:
    payload = {"id": "1", "author": {"id": OK, "username": "ok"}, "content": "@okay, mail ok@ok.com"}
    record = message_record(payload, "2", UserHasher().of)
    assert record is not None
    assert record.content == "@okay, mail ok@ok.com"


def test_a_mention_of_a_game_stays() -> None:
    assert scrub("plays <@$123456789012345678>") == "plays <@$123456789012345678>"
    assert "123456789012345678" not in scrub("<@$123456789012345678 <@$x123456789012345678>")


WORDS = ["@", "ok", "okay", ".", "then", "#1234", "#", "12", " ", "字", "_", "!", "Mr. Ok", "<@$12>", "<@12>", "%3"]


@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
@settings(max_examples=examples(300))
def test_the_simulators_truth_says_the_same(text: str) -> None:
    hash_of = hash_with(None)
    names = [(str(u[k]), hash_of(u["id"])) for u in PEOPLE for k in ("username", "global_name", "nick") if k in u]
    assert scrub(text) == true_scrub(text, names, hash_of)
