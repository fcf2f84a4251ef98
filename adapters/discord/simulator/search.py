"""Finding messages across a guild or within a channel: the message search, and the pins."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from adapters.discord.simulator.ids import iso, time_of
from adapters.discord.simulator.model import Channel, Guild
from adapters.discord.simulator.permissions import can_read
from adapters.discord.simulator.store import MessageStore, Payload

PINS_LOOKED_FOR_IN = 10_000
"""How many of a channel's newest messages are looked through for pins: channels here may hold millions."""


def search(
    guild: Guild, channel_ids: set[int], *, include_nsfw: bool, offset: int, limit: int
) -> tuple[int, list[Payload]]:
    """Return how many messages the bot could find in these channels (none given: in all), and a page, newest first."""
    places = [
        place
        for place in (*guild.channels.values(), *guild.threads.values())
        if (not channel_ids or place.id in channel_ids)
        and can_read(guild, place)
        and (include_nsfw or not _is_nsfw(guild, place))
    ]
    total = sum(len(place.messages) for place in places)
    newest = [message for place in places for message in islice(_newest_first(place.messages), offset + limit)]
    newest.sort(key=lambda message: -int(message["id"]))
    return total, [_hit(message) for message in newest[offset : offset + limit]]


def _is_nsfw(guild: Guild, place: Channel) -> bool:
    parent = guild.channels.get(place.parent_id or 0) if place.is_thread else None
    return (parent or place).nsfw


def newest_pins(channel: Channel, before: datetime | None, limit: int) -> list[Payload]:
    """Pinned messages with the time of their pinning, taken for that of their writing."""
    pinned = (
        {"pinned_at": iso(time_of(int(message["id"]))), "message": message}
        for message in islice(_newest_first(channel.messages), PINS_LOOKED_FOR_IN)
        if message.get("pinned") and (before is None or time_of(int(message["id"])) < before)
    )
    return list(islice(pinned, limit))


def _newest_first(store: MessageStore) -> Iterator[Payload]:
    page = store.page(limit=100)
    while page:
        yield from page
        page = store.page(before=int(page[-1]["id"]), limit=100)


def _hit(message: Payload) -> Payload:
    return {key: value for key, value in message.items() if key != "reactions"} | {"hit": True}
