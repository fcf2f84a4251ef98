"""What is odd about a seed's Discord, from the beginning to the end or for a while."""

from typing import Any

from tests.simulation.stage import Stage

_SELDOM = 0.3
_HEARTBEAT_SECONDS = (41.25, 10.0, 3.0, 3.0)
_PARTS = ("voice_states", "presences", "emojis", "stickers", "soundboard_sounds", "stage_instances", "features")
_NONSENSE: tuple[Any, ...] = (None, [None, 7, "x", {}, {"id": None}], 2**63, -1, "many")


def vary(on: Stage) -> None:
    """Draw the heartbeat, the number of shards, what GUILD_CREATE holds, and which heads are left out."""
    gateway = on.sim.gateway
    gateway.heartbeat_seconds = on.chance.choice(_HEARTBEAT_SECONDS)
    if on.chance.random() < _SELDOM:
        gateway.shards = on.chance.randint(2, 3)
    if on.chance.random() < _SELDOM:
        gateway.rewrite = _odd({part: on.chance.choice(_NONSENSE) for part in on.chance.sample(_PARTS, 3)})
    if on.chance.random() < _SELDOM:
        places = [*on.guild.channels.values(), *on.guild.threads.values()]
        for place in on.chance.sample(places, on.chance.randint(1, 2)):
            place.omits_head = True  # until the story ends
            on.life.headless.add(place.id)


async def behead(on: Stage) -> None:
    """A channel's payload has no ``last_message_id`` for a while."""
    channel = on.guild.channels[on.a_channel()]
    if channel.id in on.life.emptied:
        return
    channel.last_message_id = None
    on.life.headless.add(channel.id)
    await on.last(5, 40)
    channel.last_message_id = channel.messages.last_id


def _odd(parts: dict[str, Any]) -> Any:
    def rewrite(event: str, payload: Any) -> Any:
        return payload | parts if event == "GUILD_CREATE" else payload

    return rewrite
