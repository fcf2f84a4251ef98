"""Channels coming, changing and going, and permissions with them, with the gateway's events.

https://docs.discord.com/developers/events/gateway-events#channels
"""

from collections.abc import Callable
from typing import Any

from adapters.discord.simulator.changing import Changing
from adapters.discord.simulator.model import Channel, Guild, Overwrite
from adapters.discord.simulator.payloads import gateway_channel_payload, role_payload, thread_payload
from adapters.discord.simulator.permissions import VIEW_CHANNEL, can_view


class ChannelChanges(Changing):
    """Creating, renaming, hiding, showing and deleting channels."""

    def create_channel(
        self, guild_id: int, name: str, kind: int = 0, *, silent: bool = False, **fields: Any
    ) -> Channel:
        """Add a channel; ``fields`` are further ones of `Channel`."""
        guild = self.world.guilds[guild_id]
        self._tick()
        position = len(guild.channels)
        channel = Channel(
            id=self.world.ids.take(), guild_id=guild_id, type=kind, name=name, **({"position": position} | fields)
        )
        guild.channels[channel.id] = channel
        self._dispatch("CHANNEL_CREATE", guild, gateway_channel_payload(self.world, guild, channel), silent)
        return channel

    def rename_channel(self, channel_id: int, name: str, *, silent: bool = False) -> None:
        """Give a channel or thread another name."""
        guild, channel = self._place(channel_id)
        self._tick()
        channel.name = name
        self._dispatch_channel(guild, channel, silent)

    def update_channel(self, channel_id: int, *, silent: bool = False, **fields: Any) -> None:
        """Change any other fields of a channel or thread."""
        guild, channel = self._place(channel_id)
        self._tick()
        for field, value in fields.items():
            setattr(channel, field, value)
        self._dispatch_channel(guild, channel, silent)

    def _dispatch_channel(self, guild: Guild, channel: Channel, silent: bool) -> None:
        payload = gateway_channel_payload(self.world, guild, channel)
        if channel.is_thread:
            self._dispatch_to_viewers("THREAD_UPDATE", guild, channel, payload, silent)
        else:
            self._dispatch("CHANNEL_UPDATE", guild, payload, silent)

    def delete_channel(self, channel_id: int, *, silent: bool = False) -> None:
        """Delete a channel with its threads. Those get no event of their own."""
        guild, channel = self._place(channel_id)
        self._tick()
        payload = gateway_channel_payload(self.world, guild, channel)
        del guild.channels[channel_id]
        for thread in guild.children(channel_id):
            del guild.threads[thread.id]
        self._dispatch("CHANNEL_DELETE", guild, payload, silent)

    def hide_channel(self, channel_id: int, *, bot_keeps: bool = False, silent: bool = False) -> None:
        """Take @everyone's view away; the bot's too, unless it has or is given (``bot_keeps``) its own."""
        self._set_view(channel_id, visible=False, bot_keeps=bot_keeps, silent=silent)

    def show_channel(self, channel_id: int, *, silent: bool = False) -> None:
        """Let @everyone see a channel again."""
        self._set_view(channel_id, visible=True, bot_keeps=False, silent=silent)

    def _set_view(self, channel_id: int, *, visible: bool, bot_keeps: bool, silent: bool) -> None:
        guild, channel = self._place(channel_id)

        def change() -> None:
            rule = self._overwrite(channel, guild.id, 0)
            rule.deny = rule.deny & ~VIEW_CHANNEL if visible else rule.deny | VIEW_CHANNEL
            rule.allow &= ~VIEW_CHANNEL
            if bot_keeps:
                own = self._overwrite(channel, guild.bot_id, 1)
                own.allow, own.deny = own.allow | VIEW_CHANNEL, own.deny & ~VIEW_CHANNEL

        self._repermit(guild, change, channel, silent)

    def set_bot_permissions(self, channel_id: int, *, allow: int = 0, deny: int = 0, silent: bool = False) -> None:
        """Give the bot's own overwrite of a channel these bits, in place of those it had."""
        guild, channel = self._place(channel_id)

        def change() -> None:
            own = self._overwrite(channel, guild.bot_id, 1)
            own.allow, own.deny = allow, deny

        self._repermit(guild, change, channel, silent)

    def set_everyone_permissions(self, channel_id: int, *, allow: int = 0, deny: int = 0, silent: bool = False) -> None:
        """Give @everyone's overwrite of a channel these bits, in place of those it had."""
        guild, channel = self._place(channel_id)

        def change() -> None:
            rule = self._overwrite(channel, guild.id, 0)
            rule.allow, rule.deny = allow, deny

        self._repermit(guild, change, channel, silent)

    def set_role_permissions(self, guild_id: int, role_id: int, permissions: int, *, silent: bool = False) -> None:
        """Change what a role may do in the whole guild."""
        guild = self.world.guilds[guild_id]

        def change() -> None:
            guild.roles[role_id].permissions = permissions
            event_data = {"guild_id": str(guild_id), "role": role_payload(guild.roles[role_id])}
            self._dispatch("GUILD_ROLE_UPDATE", guild, event_data, silent)

        self._repermit(guild, change, None, silent)

    def _overwrite(self, channel: Channel, target_id: int, kind: int) -> Overwrite:
        for overwrite in channel.overwrites:
            if (overwrite.id, overwrite.type) == (target_id, kind):
                return overwrite
        channel.overwrites.append(Overwrite(target_id, kind))
        return channel.overwrites[-1]

    def _repermit(self, guild: Guild, change: Callable[[], None], channel: Channel | None, silent: bool) -> None:
        """Change permissions, then tell of the channel itself and of all that appear or disappear by it."""
        self._tick()
        before = {one.id: can_view(guild, one) for one in guild.channels.values()}
        change()
        for one in guild.channels.values():
            visible = can_view(guild, one)
            if one is channel or visible != before[one.id]:
                self._dispatch_channel(guild, one, silent)
            if visible and not before[one.id]:
                self._dispatch_threads(guild, one, silent)

    def _dispatch_threads(self, guild: Guild, channel: Channel, silent: bool) -> None:
        """Send the active threads of a channel that became visible."""
        threads = [one for one in guild.children(channel.id) if not one.archived and can_view(guild, one)]
        event_data = {
            "guild_id": str(guild.id),
            "channel_ids": [str(channel.id)],
            "threads": [thread_payload(guild, thread) for thread in threads],
            "members": [],
        }
        self._dispatch("THREAD_LIST_SYNC", guild, event_data, silent or not threads)
