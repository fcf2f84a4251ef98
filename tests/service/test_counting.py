"""Cursors by time, and how many messages a channel holds by Discord's own count."""

from datetime import timedelta

import pytest

from adapters.base import PlatformSession
from adapters.discord.convert import snowflake_time
from adapters.discord.simulator import Fault, Simulator
from adapters.errors import RateLimited
from tests.support.adapter import Connected, connected
from tests.support.small_world import GUILD, HIDDEN, MESSAGES, QUIET, TEXT, small_world

pytestmark = pytest.mark.usefixtures("restored_addresses")

SEARCH = "/guilds/{guild_id}/messages/search"


async def count(link: Connected, channel_id: int = TEXT) -> int | None:
    return await link.adapter.sync(str(GUILD), lambda session: session.count_messages(str(channel_id)))


async def test_a_channel_is_counted_with_one_request() -> None:
    world = small_world()
    world.guilds[GUILD].channels[TEXT].nsfw = True
    async with Simulator(world) as sim, connected(sim) as link:
        assert await count(link) == 250
        assert (await count(link, QUIET), await count(link, HIDDEN)) == (0, 0)
        assert sim.requests.count(SEARCH) == 3


@pytest.mark.parametrize(
    ("fault", "counted", "waits"),
    [
        (Fault("indexing", SEARCH, retry_after=2), 250, [2]),
        (Fault("indexing", SEARCH, retry_after=0, times=2), 250, [1, 1]),
        (Fault("indexing", SEARCH, retry_after=3_000, times=None), None, [5, 5]),
        (Fault("status", SEARCH, status=403), None, []),
        (Fault("status", SEARCH, status=404), None, []),
        (Fault("status", SEARCH, status=500), 250, [1]),
        (Fault("status", SEARCH, status=503, times=None), None, [1, 2, 4]),
    ],
    ids=str,
)
async def test_where_discord_does_not_tell_there_is_no_count(
    fault: Fault, counted: int | None, waits: list[float]
) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(fault)
        assert (await count(link), link.waits) == (counted, waits)


async def test_a_rate_limit_ends_the_sync_here_too() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("rate_limit", SEARCH))
        with pytest.raises(RateLimited):
            await count(link)


async def test_a_cursor_by_time_begins_with_that_moments_messages() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        moment = snowflake_time(str(MESSAGES[100]))

        async def first(after: timedelta) -> str:
            async def body(session: PlatformSession) -> str:
                cursor = session.cursor_at(moment + after)
                return (await session.messages(str(TEXT), cursor)).messages[0].platform_id

            return await link.adapter.sync(str(GUILD), body)

        assert await first(timedelta()) == str(MESSAGES[100])
        assert await first(timedelta(milliseconds=1)) == str(MESSAGES[101])
