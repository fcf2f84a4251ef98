"""A world whose changes are recorded with the events that they cause."""

import pickle
from functools import cache
from typing import Any

from adapters.discord.simulator import Changes, World, rich_world
from adapters.discord.simulator.model import Channel, Guild


class RecordedChanges:
    """Changes of a world, and the events they caused."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.changes = Changes(world, lambda name, _, payload: self.events.append((name, payload)))
        self.guild: Guild = next(iter(world.guilds.values()))

    def named(self, name: str) -> Channel:
        return next(one for one in self.guild.channels.values() if one.name == name)

    def take(self) -> list[str]:
        names = [name for name, _ in self.events]
        self.events.clear()
        return names

    def last(self) -> dict[str, Any]:
        return self.events[-1][1]


@cache
def rich_bytes() -> bytes:
    """The rich world, ready to be taken out anew: making it takes a quarter of a second."""
    return pickle.dumps(rich_world())


def recorded_rich() -> RecordedChanges:
    """Return the rich world anew, with nothing recorded yet."""
    return RecordedChanges(pickle.loads(rich_bytes()))  # noqa: S301 - our own bytes


def shown(channel: Channel, message_id: int) -> list[dict[str, Any]]:
    """A message's reactions."""
    return list((channel.messages.get(message_id) or {}).get("reactions", ()))


def ids(payloads: list[dict[str, Any]]) -> list[str]:
    """The ids of payloads, in order."""
    return [payload["id"] for payload in payloads]
