"""Text without user ids: each rule of docs/discord-mapping.md, section 4."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.discord.convert import Scrubber
from adapters.privacy import UserHasher

ALICE, BOB = "123456789012345678", "1098765432109876543"
CHANNEL = "998877665544332211"
H = hashlib.sha256(ALICE.encode()).hexdigest()
PEOPLE: list[dict[str, Any]] = [
    {"id": ALICE, "username": "zq_alice", "global_name": "Zq Alice", "nick": None},
    {"id": BOB, "username": "zq_al"},
]
HB = hashlib.sha256(BOB.encode()).hexdigest()
SIGNATURE = "ab" * 32
FILE = f"https://cdn.discordapp.com/attachments/{CHANNEL}/{CHANNEL}"


def scrub(text: str) -> str:
    return Scrubber(UserHasher().of, lambda: PEOPLE)(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"hi <@{ALICE}> and <@!{ALICE}>", f"hi <@{H}> and <@{H}>"),
        (f"%3C%40{ALICE}%3E %3c%40!{ALICE}%3e", f"<@{H}> <@{H}>"),
        (f"see {ALICE}, or x{ALICE}y", f"see {H}, or x{H}y"),
        (f"?u=%40{BOB}", f"?u=%40{HB}"),
        (f"%3{ALICE[0]}{ALICE[1:]}", H),
        (f"https://discord.com/users/{ALICE} discord://-/users/{ALICE}", f"user:{H} user:{H}"),
        (f"https://ptb.discord.com/users/{ALICE}", f"user:{H}"),
        (f"(https://cdn.discordapp.com/avatars/{ALICE}/a_1.png?size=64)", f"(user:{H})"),
        (f"https://cdn.discordapp.com/banners/{ALICE}/b.png", f"user:{H}"),
        (f"https://cdn.discordapp.com/guilds/{CHANNEL}/users/{ALICE}/avatars/x.png", f"user:{H}"),
        ("https://cdn.discordapp.com/embed/avatars/3.png", "user:default"),
        ("hello @zq_alice!", f"hello <@{H}>!"),
        ("zq_alice#1234 and @zq_al", f"<@{H}> and <@{HB}>"),
        ("Zq Alice", f"<@{H}>"),
        (f"<@{ALICE}> <#{CHANNEL}> {ALICE}", f"<@{H}> <#{CHANNEL}> {H}"),
        (f"<@{ALICE}>, {'x' * 20}{ALICE}", f"<@{H}>, {'x' * 20}{H}"),
        (f"{FILE}/{ALICE}.png?ex=6a&is=6b&hm={SIGNATURE}&", f"{FILE}/{H}.png?ex=6a&is=6b&hm={SIGNATURE}&"),
        ("nul\x00 and \ud800", "nul and ?"),
        (f"hidden: @zq_\x00alice {ALICE[:9]}\x00{ALICE[9:]}", f"hidden: <@{H}> {H}"),
    ],
)
def test_what_shows_a_user_is_replaced(text: str, clean: str) -> None:
    assert scrub(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words, @nobody, #channel, 1234567890123456",
        f"<#{CHANNEL}> <@&{CHANNEL}> <:smile:{CHANNEL}> <a:dance:{CHANNEL}> </do it:{CHANNEL}>",
        "<id:guide> <t:1700000000:R>",
        f"https://discord.com/channels/{CHANNEL}/{CHANNEL}/{CHANNEL}",
        f"https://cdn.discordapp.com/attachments/{CHANNEL}/{CHANNEL}/photo.png?ex=66a1&is=66a0&hm={SIGNATURE}&",
        f"https://cdn.discordapp.com/emojis/{CHANNEL}.webp",
    ],
)
def test_other_ids_stay(text: str) -> None:
    assert scrub(text) == text


def test_an_id_in_the_name_of_a_kept_token_is_replaced() -> None:
    assert ALICE not in scrub(f"<:u{ALICE}:{CHANNEL}>")
    assert ALICE not in scrub(
        f"https://cdn.discordapp.com/attachments/{CHANNEL}/{CHANNEL}/{ALICE}.png?ex=1&is=1&hm={SIGNATURE}"
    )


def test_a_hash_put_in_for_a_name_is_not_scrubbed_again() -> None:
    """A hash may hold 17 digits in a row, which elsewhere would be taken for an id."""
    for number in range(10**18, 10**18 + 400):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        people = [{"id": str(number), "username": "zq"}]
        assert Scrubber(UserHasher().of, people.copy)("@zq") == f"<@{digest}>"


def test_a_key_makes_other_hashes_and_tells_itself_without_revealing_it() -> None:
    keyed = UserHasher(b"secret")
    assert keyed.of(ALICE) == hmac.new(b"secret", ALICE.encode(), "sha256").hexdigest()
    assert UserHasher().choice == "sha256"
    assert keyed.choice.startswith("hmac-sha256:")
    assert keyed.choice == UserHasher(b"secret").choice != UserHasher(b"other").choice


@given(st.text(), st.text(), st.integers(10**16, 2**63 - 1))
def test_no_bare_or_mentioned_id_survives(before: str, after: str, user: int) -> None:
    for text in (f"{before} {user} {after}", f"{before}<@{user}>{after}", f"{before}<@!{user}>{after}"):
        if str(user) not in before + after:
            assert str(user) not in scrub(text)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(15, 40))
def test_a_run_of_digits_is_found_wherever_it_stands(before: int, after: int, digits: int) -> None:
    text = f"{'x' * before}{'1' * digits}{'y' * after}"
    assert (scrub(text) == text) == (digits < 17)


def test_the_hash_is_the_sha256_of_the_ids_digits() -> None:
    """As anybody can work it out: ``printf %s 80351110224678912 | sha256sum``."""
    assert UserHasher().of("80351110224678912") == ("3b707f3e07d25e7c9e6a72c7998456027a8458a95807a2eead1db30367b8b26e")
