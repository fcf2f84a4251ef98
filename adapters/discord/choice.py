"""Which channels the operator wants archived: [discord] include and exclude."""

from dataclasses import dataclass

from adapters.discord.config import DiscordOptions
from adapters.discord.convert import Payload, snowflake


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChoice:
    """Ids of channels and categories; a category's stands for its channels, a channel's for its threads and posts."""

    include: frozenset[str] = frozenset()  # none: every channel
    exclude: frozenset[str] = frozenset()

    def takes(self, channel: Payload) -> bool:
        """Return whether a channel (no thread) is to be archived, as far as the operator is concerned."""
        names = {snowflake(channel.get("id")), snowflake(channel.get("parent_id"))}
        return (not self.include or not self.include.isdisjoint(names)) and self.exclude.isdisjoint(names)


ALL_CHANNELS = ChannelChoice()


def choice_of(options: DiscordOptions) -> ChannelChoice:
    """Return the choice that is configured."""
    return ChannelChoice(include=frozenset(options.include), exclude=frozenset(options.exclude))
