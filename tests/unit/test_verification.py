"""When a tenant is listed as a whole, beside the hourly listing of its channels."""

from collections.abc import Awaitable, Callable

import pytest

from bot.sync.followed import is_verification_due

HOUR = 3600.0
DAY = 24 * HOUR


def waiting(*, others: bool) -> Callable[[], Awaitable[bool]]:
    async def wait() -> bool:
        return others

    return wait


@pytest.mark.parametrize(("age", "others", "is_due"), [(11, False, False), (24, False, True), (24, True, True)])
async def test_a_tenant_is_listed_between_half_the_interval_and_its_end(age: float, others: bool, is_due: bool) -> None:
    for number in range(100):
        assert await is_verification_due(f"discord-{number}", age * HOUR, DAY, waiting(others=others)) is is_due


async def test_tenants_are_listed_evenly_over_the_second_half() -> None:
    for age, least, most in ((15, 15, 35), (18, 40, 60), (21, 65, 85)):
        due = [await is_verification_due(f"discord-{n}", age * HOUR, DAY, waiting(others=False)) for n in range(100)]
        assert least <= sum(due) <= most


async def test_while_others_wait_it_is_put_off_to_the_end() -> None:
    for age in (15, 18, 21, 23.9):
        assert not await is_verification_due("discord-1", age * HOUR, DAY, waiting(others=True))
