"""Long work gives the event loop its turns."""

import gc
import json
import time
from typing import Any, TypeVar

import pytest

from adapters.discord.convert import message_records
from adapters.discord.gateway.guild_state import GuildState
from adapters.discord.gateway.socket import parse
from adapters.errors import CallFailed, MessageUnreadable
from adapters.privacy import UserHasher
from adapters.records import ChannelType
from bot.concurrency import for_each
from bot.pickled import PickledList
from storage.repair import RefetchKind, RefetchRange
from tests.support.patience import turns_beside

T = TypeVar("T")

LONG = ("a" * 3970 + "<@123456789012345678>", "@aa " * 1000, "<:" * 2000)


def worst(number: int) -> dict[str, Any]:
    """A message of the longest texts there can be, with a hundred people mentioned."""
    text = LONG[number % len(LONG)]
    embeds = [{"description": text[:3000], "fields": [{"name": text[:250], "value": text[:1000]}] * 5}] * 2
    mentions = [{"id": str(10**17 + n), "username": "a" * (2 + n % 31), "global_name": f"b{n}"} for n in range(100)]
    return {"id": str(number), "content": text, "embeds": embeds, "mentions": mentions}


@pytest.mark.slow
async def test_a_page_of_the_worst_messages_does_not_hold_the_loop_up() -> None:
    page = [worst(number) for number in range(40)]
    records, turns = await turns_beside(message_records(page, "1", UserHasher().of))
    assert [record.platform_id for record in records] == [str(number) for number in range(40)]
    assert turns >= 4


@pytest.mark.slow
async def test_the_frame_of_a_large_guild_does_not_hold_the_loop_up() -> None:
    threads = [{"id": str(n), "name": "x" * 100, "thread_metadata": {"archived": False}} for n in range(30_000)]
    frame = {"op": 0, "s": 7, "t": "GUILD_CREATE", "d": {"id": "1", "threads": threads}}
    parsed, turns = await turns_beside(parse(json.dumps(frame)))
    assert parsed == frame
    assert turns >= 3


async def test_the_threads_of_a_guild_are_noted_without_being_converted() -> None:
    hashed: list[str] = []

    def hash_user(user_id: str) -> str:
        hashed.append(user_id)
        return "a" * 64

    threads = [{"id": str(n), "type": 11, "parent_id": "5", "owner_id": "77", "name": "x"} for n in range(10, 13)]
    guild = GuildState({"id": "1", "channels": [{"id": "5", "type": 0}], "threads": threads}, "9", hash_user)
    assert guild.is_public("11") is False  # by its parent, which no role lets anybody read
    assert hashed == []
    assert len(guild.apply("THREAD_UPDATE", threads[0])) == 1
    assert hashed == ["77"]


async def test_many_items_of_which_nothing_is_to_be_done_do_not_hold_the_loop_up() -> None:
    async def act(_: int) -> None:
        time.sleep(0.002)  # noqa: ASYNC251 # on purpose

    _, turns = await turns_beside(for_each(range(40), 2, act))
    assert turns >= 4


def test_what_waits_pickled_is_nothing_that_a_collection_looks_into() -> None:
    waiting, ranges = PickledList[RefetchRange](), [pending(number) for number in range(3)]
    waiting.extend(ranges[:2])
    waiting.extend(iter(ranges[2:]))
    assert len(waiting) == 3
    assert [list(waiting), list(waiting)] == [ranges, ranges]
    assert not any(gc.is_tracked(record) for record in waiting._records)


def pending(number: int) -> RefetchRange:
    return RefetchRange(
        id=number,
        channel_id=7,
        channel_platform_id="70",
        parent_platform_id=None,
        type=ChannelType.TEXT,
        kind=RefetchKind.AUDIT,
        after_platform_id=None,
        until_platform_id="9",
    )


class Odd(dict[str, Any]):
    """A payload that a bug of this program chokes on."""

    def get(self, key: str, default: Any = None) -> Any:
        if key == "content":
            raise ZeroDivisionError("secret")
        return super().get(key, default)


async def test_what_one_message_breaks_is_that_messages_error() -> None:
    with pytest.raises(MessageUnreadable, match=r"the message 7 cannot be converted \(ZeroDivisionError\)") as caught:
        await message_records([{"id": "1"}, Odd(id="7", content="x")], "1", UserHasher().of)
    assert isinstance(caught.value, CallFailed)
    assert "secret" not in str(caught.value)
