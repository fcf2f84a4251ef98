"""Long work gives the event loop its turns."""

import asyncio
from typing import Any

import pytest

from adapters.discord.convert import message_records
from adapters.errors import CallFailed, MessageUnreadable
from adapters.privacy import UserHasher

LONG = ("a" * 3970 + "<@123456789012345678>", "@aa " * 1000, "<:" * 2000)


def worst(number: int) -> dict[str, Any]:
    """A message of the longest texts there can be, with a hundred people mentioned."""
    text = LONG[number % len(LONG)]
    embeds = [{"description": text[:3000], "fields": [{"name": text[:250], "value": text[:1000]}] * 5}] * 2
    mentions = [{"id": str(10**17 + n), "username": "a" * (2 + n % 31), "global_name": f"b{n}"} for n in range(100)]
    return {"id": str(number), "content": text, "embeds": embeds, "mentions": mentions}


@pytest.mark.slow
async def test_a_page_of_the_worst_messages_does_not_hold_the_loop_up() -> None:
    """By the number of turns that others get, whatever the machine is doing."""
    page, turns = [worst(number) for number in range(40)], 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    records = await message_records(page, "1", UserHasher().of)
    beside.cancel()
    assert [record.platform_id for record in records] == [str(number) for number in range(40)]
    assert turns >= 4


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
