"""What all changes share: the world, its clock, and where their events go."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from adapters.discord.simulator.model import Channel, Guild, User, World
from adapters.discord.simulator.permissions import can_view
from adapters.discord.simulator.store import Payload

Emit: TypeAlias = Callable[[str, int, Payload], None]


class Changing:
    """Change a world and emit the events: ``emit(event name, guild id, payload)``."""

    def __init__(self, world: World, emit: Emit) -> None:
        self.world = world
        self._emit = emit

    def _place(self, channel_id: int) -> tuple[Guild, Channel]:
        found = self.world.find(channel_id)
        if found is None:
            raise KeyError(f"no channel {channel_id} in this world")
        return found

    def _member_or_bot(self, guild: Guild, user_id: int | None) -> User:
        """Return a member of the guild or the bot; without an id any member."""
        if user_id == self.world.bot.id:
            return self.world.bot
        return guild.users[user_id] if user_id is not None else next(iter(guild.users.values()))

    def _tick(self) -> datetime:
        """Move the clock: every change is later than the one before it."""
        return self.world.ids.tick()

    def _dispatch(self, event: str, guild: Guild, payload: Payload, silent: bool) -> None:
        """Send an event of the whole guild. During an outage Discord is silent."""
        if not silent and not guild.unavailable:
            self._emit(event, guild.id, payload)

    def _dispatch_to_viewers(self, event: str, guild: Guild, channel: Channel, payload: Payload, silent: bool) -> None:
        """Send an event that only those who can view the channel get."""
        self._dispatch(event, guild, payload, silent or not can_view(guild, channel))
