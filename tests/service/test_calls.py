"""One call is one operation: our own retries, a 429 that ends the sync at once, nothing sent behind our back."""

import asyncio

import pytest

from adapters.base import PlatformSession
from adapters.discord.simulator import Fault, Limits, Simulator, uniform_world
from adapters.errors import (
    CallFailed,
    ChannelUnreadable,
    ContentWithheld,
    CredentialRefused,
    RateLimited,
    TenantUnavailable,
)
from adapters.records import MessageRecord, SkipReason
from tests.support.adapter import connected
from tests.support.patience import PATIENCE_SECONDS
from tests.support.small_world import CLOSED_VOICE, GUILD, HIDDEN, MESSAGES, NO_HISTORY, NOWHERE, TEXT, small_world

MESSAGES_ROUTE = "/channels/{channel_id}/messages"
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]


async def read(session: PlatformSession, channel: int = TEXT) -> tuple[MessageRecord, ...]:
    return (await session.messages(str(channel), None)).messages


async def test_a_page_is_one_request_and_ascending() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        page = await link.adapter.sync(str(GUILD), read)
        assert [int(m.platform_id) for m in page] == MESSAGES[:100]
        assert sim.requests.count(MESSAGES_ROUTE) == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, times=None),
        Fault("status", status=503, times=None),
        Fault("status", status=502, html=True, times=None),
        Fault("reset", times=None),
        Fault("close", times=None),
        Fault("truncated", times=None),
        Fault("invalid_json", times=None),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
async def test_a_lasting_failure_is_tried_four_times_then_given_up(fault: Fault) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(fault)
        with pytest.raises(CallFailed) as failed:
            await link.adapter.sync(str(GUILD), read)
        assert failed.value.attempts == 4
        assert link.waits == [1, 2, 4]
        assert sim.requests.count(MESSAGES_ROUTE) == 4


async def test_a_passing_failure_is_got_over() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("status", status=500, times=2))

        async def body(session: PlatformSession) -> tuple[int, int, int]:
            page = await read(session)
            return len(page), session.request_counts.requests, session.request_counts.retries

        assert await link.adapter.sync(str(GUILD), body) == (100, 3, 2)
        assert link.waits == [1, 2]


@pytest.mark.parametrize("scope", ["user", "global", "shared", "cloudflare"])
async def test_a_429_ends_the_sync_and_nothing_more_is_sent(scope: str) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("rate_limit", scope=scope, retry_after=7.0, after=1))  # type: ignore[arg-type]
        reached_the_end = False

        async def body(session: PlatformSession) -> None:
            nonlocal reached_the_end
            await read(session)
            await asyncio.gather(*(read(session) for _ in range(5)), return_exceptions=True)
            await read(session)
            reached_the_end = True

        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(RateLimited) as limited:
                await link.adapter.sync(str(GUILD), body)
        assert limited.value.scope == scope
        assert limited.value.is_global is (scope in ("global", "cloudflare"))
        assert not reached_the_end
        sent = sim.requests.count(MESSAGES_ROUTE)
        assert link.waits == []
        assert await link.adapter.sync(str(GUILD), read), "the next sync is not held up"
        assert sim.requests.count(MESSAGES_ROUTE) == sent + 1 <= 7, "nothing of the ended sync was sent after its end"


async def test_retry_after_is_told() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("rate_limit", scope="user", retry_after=7.0))
        with pytest.raises(RateLimited) as limited:
            await link.adapter.sync(str(GUILD), read)
        assert limited.value.retry_after_seconds == 7


async def test_a_wait_is_told_while_the_sync_still_finishes_what_it_must_not_tear_apart() -> None:
    told: asyncio.Future[RateLimited] = asyncio.get_running_loop().create_future()

    async def tell(limit: RateLimited) -> None:
        told.set_result(limit)

    async def body(session: PlatformSession) -> None:
        try:
            await read(session)
        finally:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(told)

    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("rate_limit", scope="user", retry_after=30))
        with pytest.raises(RateLimited):
            await link.adapter.sync(str(GUILD), body, tell)
        assert told.result().retry_after_seconds == 30


async def test_a_global_429_ends_every_sync() -> None:
    async with Simulator(small_world(), latency_seconds=0.02) as sim, connected(sim) as link:

        async def for_ever(session: PlatformSession) -> None:
            while True:
                await read(session)

        both = [asyncio.create_task(link.adapter.sync(str(GUILD), for_ever)) for _ in range(2)]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while sim.requests.count(MESSAGES_ROUTE) < 4:  # noqa: ASYNC110 (the log of requests rings no bell)
                await asyncio.sleep(0.01)
        sim.faults.add(Fault("rate_limit", scope="global"))
        ends = await asyncio.gather(*both, return_exceptions=True)
        assert [type(end) for end in ends] == [RateLimited, RateLimited]
        assert sim.requests.count(status=429) == 1


@pytest.mark.parametrize(
    ("channel", "reason"),
    [
        (HIDDEN, SkipReason.BOT_LACKS_ACCESS),
        (CLOSED_VOICE, SkipReason.BOT_LACKS_ACCESS),
        (NO_HISTORY, SkipReason.BOT_LACKS_ACCESS),  # Discord says 200 with an empty list
        (NOWHERE, SkipReason.DELETED),
    ],
)
async def test_a_channel_that_cannot_be_read_says_why_at_once(channel: int, reason: SkipReason) -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        with pytest.raises(ChannelUnreadable) as unreadable:
            await link.adapter.sync(str(GUILD), lambda session: read(session, channel))
        assert unreadable.value.reason is reason
        assert sim.requests.count(MESSAGES_ROUTE) == 1


async def test_a_revoked_token_is_told() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        sim.faults.add(Fault("status", status=401))
        with pytest.raises(CredentialRefused):
            await link.adapter.sync(str(GUILD), read)


async def test_without_the_content_privilege_nothing_is_asked() -> None:
    world = small_world()
    async with Simulator(world) as sim, connected(sim) as link:
        client = link.adapter._client
        assert client is not None
        client.login.application_flags = world.application_flags = 0
        with pytest.raises(ContentWithheld, match="Message Content Intent"):
            await link.adapter.sync(str(GUILD), read)
        assert sim.requests.count(MESSAGES_ROUTE) == 0


async def test_a_guild_the_bot_is_not_in_is_unavailable() -> None:
    async with Simulator(small_world()) as sim, connected(sim) as link:
        with pytest.raises(TenantUnavailable):
            await link.adapter.sync("1", lambda session: session.channels())


async def test_an_aborted_sync_does_not_hold_up_the_next() -> None:
    """discord.py's buckets must not be left half way: after answers without rate-limit headers they wait 30 s."""
    world = uniform_world(8, 200)
    ((guild_id, guild),) = world.guilds.items()
    async with Simulator(world) as sim, connected(sim) as link:

        async def everywhere(session: PlatformSession) -> None:
            await asyncio.gather(*(read(session, channel) for channel in guild.channels for _ in range(3)))

        for after in range(0, 24, 3):
            sim.faults.add(Fault("rate_limit", after=after))
            with pytest.raises(RateLimited):
                await link.adapter.sync(str(guild_id), everywhere)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await link.adapter.sync(str(guild_id), everywhere)


async def test_a_hung_request_is_given_up_and_the_next_goes_through() -> None:
    async with Simulator(small_world()) as sim, connected(sim, request_timeout_seconds=2.0) as link:
        sim.faults.add(Fault("hang", times=2))
        assert await link.adapter.sync(str(GUILD), read)
        assert link.waits == [1, 2]


@pytest.mark.parametrize("headers", ["truthful", "lying"])
async def test_the_pace_provokes_no_429(headers: str) -> None:
    """A window of Discord's limit and more, really waited for: 7 pages of one channel."""
    limits = Limits(headers=headers)  # type: ignore[arg-type]
    async with (
        Simulator(small_world(), limits=limits) as sim,
        connected(sim, requests_per_second=40, channel_requests_per_second=0.9) as link,
    ):

        async def seven(session: PlatformSession) -> None:
            for _ in range(7):
                await read(session)

        await link.adapter.sync(str(GUILD), seven)
        assert sim.requests.count(MESSAGES_ROUTE) == 7
        assert sim.requests.count(status=429) == 0
