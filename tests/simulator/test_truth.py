"""The truth about itself: nobody in it, nothing missing, and what the mapping's own examples say."""

import hashlib
import hmac
import json
from collections import Counter
from functools import cache
from operator import itemgetter
from pathlib import Path

import pytest

from adapters.discord.simulator import rich_world, truth_scrub, uniform_world
from adapters.discord.simulator.payloads import rest_channels
from adapters.discord.simulator.truth import Truth, secrets, truth
from adapters.discord.simulator.truth_scrub import hash_with, scrub

pytestmark = pytest.mark.slow

rich = cache(rich_world)
TABLES = ("tenants", "channels", "messages", "attachments", "reaction_totals", "reactions")
HASH = hash_with(None)
USER = "123456789012345678"
OTHER = "223456789012345678"
MARK = HASH(USER)
ATTACHMENT = f"https://cdn.discordapp.com/attachments/{OTHER}/{OTHER}"
SIGNATURE = "ab" * 20 + "1" * 24


def rows(of: Truth) -> list[dict[str, object]]:
    """Every row of every table."""
    return [row for table in TABLES for row in getattr(of, table)()]


@pytest.mark.parametrize("make", [rich, lambda: uniform_world(1, 1_500, threads=2)])
def test_there_is_nobody_in_it(make: object) -> None:
    world = make()  # type: ignore[operator]
    ids, names = secrets(world)
    text = "\n".join(
        json.dumps(rows(truth(world, guild_id)), default=str, ensure_ascii=False) for guild_id in world.guilds
    )
    assert len(ids) > 100
    assert [secret for secret in ids | names if secret in text] == []


def test_the_secrets_are_all_over_the_payloads() -> None:
    """Without this a search that finds nothing would prove nothing."""
    world = rich()
    ids, names = secrets(world)
    guild = next(iter(world.guilds.values()))
    everything = [list(place.messages) for place in (*guild.channels.values(), *guild.threads.values())]
    text = json.dumps([everything, rest_channels(world, guild)], ensure_ascii=False)
    assert sum(secret in text for secret in ids) > 300
    assert sum(secret in text for secret in names) > 400


def test_every_verdict_occurs() -> None:
    world = rich()
    verdicts = Counter(row["skip_reason"] for row in truth(world, next(iter(world.guilds))).channels())
    assert verdicts.keys() == {None, "not_public", "bot_lacks_access", "obfuscated", "unsupported"}


def test_an_administrators_everyone_sees_all_and_a_closed_guild_one_channel() -> None:
    world = rich()
    _, opened, closed = world.guilds
    assert {row["sync_state"] for row in truth(world, opened).channels()} == {"archived"}
    assert [row["sync_state"] for row in truth(world, closed).channels()] == ["archived", "skipped", "skipped"]


def test_a_key_changes_every_hash() -> None:
    world = rich()
    guild_id = next(iter(world.guilds))
    plain, keyed = (next(truth(world, guild_id, key).messages()) for key in (None, b"key"))
    assert plain["author_hash"] != keyed["author_hash"]
    assert hash_with(b"key")("1") == hmac.new(b"key", b"1", hashlib.sha256).hexdigest()
    assert HASH("1") == hashlib.sha256(b"1").hexdigest()


def test_totals_are_the_sum_of_the_reactions() -> None:
    world = rich()
    for guild_id in world.guilds:
        of = truth(world, guild_id)
        key = itemgetter("channel_platform_id", "message_platform_id", "emoji_key", "burst")
        given = Counter(key(row) for row in of.reactions())
        stated = {key(row): row["count"] for row in of.reaction_totals()}
        unexplained = {key for key, count in stated.items() if count != given[key]}
        assert len(unexplained) <= 1  # the one message whose payload is broken on purpose


def test_the_truth_shares_no_code_with_the_adapter() -> None:
    folder = Path(truth_scrub.__file__).parent
    for module in folder.glob("truth*.py"):
        imported = [line for line in module.read_text().splitlines() if "import" in line and "adapters" in line]
        assert all("adapters.discord.simulator." in line for line in imported)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<@{USER}> <@!{USER}>", f"<@{MARK}> <@{MARK}>"),
        (f"<#{USER}> <@&{USER}> <:a:{USER}> <a:b:{USER}> </c d:{USER}>", None),
        (f"%3C%40{USER}%3E %3c%40%21{USER}%3e", f"<@{MARK}> <@{MARK}>"),
        (f"?q=%40{USER}&r=%21{USER}", f"?q=%40{MARK}&r=%21{MARK}"),
        (f"{USER},{USER}", f"{MARK},{MARK}"),
        (USER[:8] + "".join(f"%3{digit}" for digit in USER[8:]), MARK),
        ("1234567890123456", None),
        (f"https://discord.com/channels/{USER}/{OTHER}/{USER}", None),
        (f"https://discord.com/channels/@me/{OTHER}?{USER}", f"https://discord.com/channels/@me/{OTHER}?{MARK}"),
        (f"see https://ptb.discord.com/users/{USER}/x", f"see user:{MARK}/x"),
        (f"discord://-/users/{USER}", f"user:{MARK}"),
        (f"(https://cdn.discordapp.com/avatars/{USER}/a.png?size=8)", f"(user:{MARK})"),
        (f"https://media.discordapp.net/guilds/{OTHER}/users/{USER}/banners/a.png x", f"user:{MARK} x"),
        ("https://cdn.discordapp.com/embed/avatars/3.png", "user:default"),
        (f"{ATTACHMENT}/{USER}.png?hm={SIGNATURE}&", f"{ATTACHMENT}/{MARK}.png?hm={SIGNATURE}&"),
        (f"<:n{USER}:{OTHER}>", f"<:n{MARK}:{HASH(OTHER)}>"),
        (f"<id:{USER}>", f"<id:{MARK}>"),
        (f"a\0b\ud800 <@{USER[:4]}\0{USER[4:]}>", f"ab? <@{MARK}>"),
    ],
)
def test_scrubbing_as_the_mapping_says(text: str, expected: str | None) -> None:
    assert scrub(text, [], HASH) == (text if expected is None else expected)


def test_names_go_longest_first_and_only_where_they_are_names() -> None:
    names = [("ana", "A"), ("anabel", "B"), ("Odd (x)*", "C")]
    assert scrub("@anabel @ana @anax ana#1234 anabel#0001", names, HASH) == "<@B> <@A> @anax <@A> <@B>"
    assert scrub("ana", names, HASH) == "<@A>"
    assert scrub("@Odd (x)* banana ana", names, HASH) == "<@C> banana ana"
