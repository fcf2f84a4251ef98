"""Which shards a process connects, as an operator writes it; nonsense is refused with what would be right."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from adapters.discord.config import DiscordOptions
from bot.config import ConfigError, load


def choice(**options: object) -> tuple[int | None, set[int] | None, bool]:
    """The choice by these options."""
    found = DiscordOptions.model_validate(options).shard_choice
    return found.count, None if found.ids is None else set(found.ids), found.is_shared


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({}, (None, None, False)),
        ({"shards": "all", "shard_count": 4}, (4, None, False)),
        ({"shards": "auto"}, (None, None, True)),
        ({"shards": "auto", "shard_count": 100_000}, (100_000, None, True)),
        ({"shards": "3", "shard_count": 4}, (4, {3}, False)),
        ({"shards": 3, "shard_count": 4}, (4, {3}, False)),
        ({"shards": "0-3", "shard_count": "16"}, (16, {0, 1, 2, 3}, False)),
        ({"shards": " 0-1 , 8 - 9,15", "shard_count": 16}, (16, {0, 1, 8, 9, 15}, False)),
        ({"shards": "0-0", "shard_count": 1}, (1, {0}, False)),
    ],
)
def test_shards_are_chosen(options: dict[str, object], meant: tuple[int | None, set[int] | None, bool]) -> None:
    assert choice(**options) == meant


@pytest.mark.parametrize(
    ("shards", "count", "right"),
    [
        ("0-15", None, "Set shard_count as well"),
        ("3-0", 4, '"3-0" goes backwards: write "0-3"'),
        ("0-3,2", 4, 'shard 2 is named twice: write "0-3"'),
        ("0-1,5,1-2", 8, 'shard 1 is named twice: write "0-2,5"'),
        ("1,1", 8, 'shard 1 is named twice: write "1"'),
        ("4", 4, "counted from 0, and the last one of 4 is 3"),
        ("2-4", 4, "counted from 0, and the last one of 4 is 3"),
        ("0-999999", None, "the last one of 100000 is 99999"),
        ("", 4, '"" names no shards: write "all", "auto", or numbers'),
        ("0,", 4, '"" names no shards'),
        ("-1", 4, '"-1" names no shards'),
        ("0-", 4, '"0-" names no shards'),
        ("1.5", 4, '"1.5" names no shards'),
        ("All", 4, '"All" names no shards'),
        ("all,1", 4, '"all" names no shards'),
        ("٣", 4, "names no shards"),
        ("9" * 5_000, 4, "names no shards"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(shards: str, count: int | None, right: str) -> None:
    with pytest.raises(ValidationError) as refused:
        choice(shards=shards, shard_count=count)
    assert right in str(refused.value)


@pytest.mark.parametrize("count", [0, -1, 100_001, "many", 1.5])
def test_a_number_of_shards_that_cannot_be_is_refused(count: object) -> None:
    with pytest.raises(ValidationError):
        choice(shard_count=count)


@pytest.mark.parametrize("shards", [True, 1.5, ["0", "1"]])
def test_shards_of_another_kind_are_refused(shards: object) -> None:
    with pytest.raises(ValidationError):
        choice(shards=shards, shard_count=4)


def test_the_file_and_the_environment_say_it_together(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[discord]\nshard_count = 32\n")
    environment = {"DISCORD_BOT_TOKEN": "x", "PLATFORM_SYNC_DISCORD__SHARDS": "0-15"}
    options = load(file, environment).platforms["discord"].options
    assert isinstance(options, DiscordOptions)
    assert options.shard_choice.ids == frozenset(range(16))
    with pytest.raises(ConfigError, match=r'discord\.shards: "16-40": shards are counted from 0'):
        load(file, {**environment, "PLATFORM_SYNC_DISCORD__SHARDS": "16-40"})
