"""No odd part of a guild that the archive does not need hides the guild, or what the archive does need of it."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.discord.simulator import Simulator
from adapters.events import ChannelDeleted, PlatformEvent, TenantJoined, TenantsReady
from tests.support.adapter import connected
from tests.support.small_world import FORUM, GUILD, OTHER_GUILD, TEXT, VOICE, small_world

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("restored_addresses")]

Oddity = Callable[[dict[str, Any]], object]


def each(key: str, change: Callable[[dict[str, Any]], object]) -> Oddity:
    """Change every object of a list."""

    def odd(guild: dict[str, Any]) -> None:
        for item in guild[key]:
            change(item)

    return odd


def without(*keys: str) -> Oddity:
    return lambda item: [item.pop(key, None) for key in keys]


def given(**parts: Any) -> Oddity:
    return lambda item: item.update(parts)


BROKEN_LISTS = (
    "channels",
    "threads",
    "voice_states",
    "presences",
    "emojis",
    "stickers",
    "soundboard_sounds",
    "stage_instances",
    "guild_scheduled_events",
    "features",
)
ODDITIES: dict[str, Oddity] = {
    **{f"{key} null": given(**{key: None}) for key in BROKEN_LISTS},
    **{f"{key} of nonsense": given(**{key: [None, 7, "x", {}, {"id": None}]}) for key in BROKEN_LISTS},
    **{f"no {key}": without(key) for key in BROKEN_LISTS},
    "no members": without("members"),
    "members null": given(members=None),
    "a member without roles": given(members=[{"user": {"id": "1"}}]),
    "roles without most fields": each("roles", without("name", "position", "color", "colors", "hoist", "flags")),
    "tags null": each("channels", given(available_tags=None)),
    "a tag without a name": each("channels", given(available_tags=[{"id": "1"}, None])),
    "an overwrite without type": each("channels", given(permission_overwrites=[{"id": "5"}, None, 3])),
    "overwrites null": each("channels", given(permission_overwrites=None)),
    "channels without most fields": each("channels", without("name", "position", "bitrate", "user_limit", "nsfw")),
    "a channel's type unknown": lambda guild: guild["channels"].append({"id": "77", "type": 4711}),
    "threads without metadata": each("threads", without("thread_metadata", "member_count", "owner_id")),
    "little but the id": without("name", "owner_id", "region", "joined_at", "large", "member_count", "nsfw_level"),
    "numbers as text": given(member_count="many", max_members="x", verification_level=None, premium_tier="0"),
}


def is_ready(event: PlatformEvent) -> bool:
    return isinstance(event, TenantsReady)


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=ODDITIES)
async def test_an_odd_part_of_a_guild_hides_nothing(oddity: Oddity) -> None:
    def rewrite(event: str, payload: Any) -> Any:
        if event == "GUILD_CREATE" and payload["id"] == str(GUILD):
            oddity(payload)
        return payload

    async with Simulator(small_world()) as sim:
        sim.gateway.rewrite = rewrite
        async with connected(sim) as link:
            assert link.adapter.is_member(str(GUILD))
            records = await link.adapter.sync(str(GUILD), lambda session: session.channels())
            archived = {record.platform_id for record in records if record.skip_reason is None}
            assert archived >= {str(TEXT), str(VOICE), str(FORUM)}
            page = await link.adapter.sync(str(GUILD), lambda session: session.messages(str(TEXT), None))
            assert len(page.messages) == 100
            sim.gateway.rewrite = lambda _, payload: payload
            sim.change.delete_channel(VOICE)
            await link.until(lambda event: event == ChannelDeleted(str(GUILD), str(VOICE)))


@pytest.mark.parametrize(
    "change",
    [
        without("resume_gateway_url", "application", "private_channels", "v", "session_type"),
        given(resume_gateway_url=None, application=None, user=None),
        given(shard=None),
        given(user={"id": "1"}, shard=["x"]),
    ],
)
async def test_an_odd_greeting_is_a_greeting(change: Oddity) -> None:
    def rewrite(event: str, payload: Any) -> Any:
        if event == "READY":
            change(payload)
        return payload

    async with Simulator(small_world()) as sim:
        sim.gateway.rewrite = rewrite
        async with connected(sim) as link:
            assert link.adapter.unready_reason is None
            page = await link.adapter.sync(str(GUILD), lambda session: session.messages(str(TEXT), None))
            assert page.messages
            sim.gateway.reconnect()
            sim.change.rename_guild(GUILD, "Again")
            await link.until(lambda event: isinstance(event, TenantJoined) and event.tenant.name == "Again")
            assert (sim.gateway.identifies, sim.gateway.resumes) == (1, 1)


@pytest.mark.parametrize("guilds", [None, "all", [{"id": str(OTHER_GUILD)}, None], [{"id": None}]])
async def test_a_list_of_guilds_that_cannot_be_read_makes_nobody_leave(guilds: Any) -> None:
    async with Simulator(small_world()) as sim, connected(sim, identify_delay_seconds=0) as link:

        def rewrite(event: str, payload: Any) -> Any:
            return payload | {"guilds": guilds} if event == "READY" else payload

        sim.gateway.rewrite = rewrite
        sim.world.guilds[GUILD].unavailable = True  # what is shown afterwards would put it right
        sim.gateway.invalidate()
        await link.until(is_ready, 2)
        assert link.adapter.is_member(str(GUILD))
        *_, ready = (event for event in link.events if isinstance(event, TenantsReady))
        assert not ready.covers("1"), "of what was not listed nothing is known"
