"""Change messages and reactions, with the gateway's events.

https://docs.discord.com/developers/events/gateway-events#messages
"""

from collections.abc import Iterable
from typing import Any

from adapters.discord.simulator.changing import Changing
from adapters.discord.simulator.ids import iso
from adapters.discord.simulator.message_payloads import REPLY, message, nested, reaction_emoji, reference
from adapters.discord.simulator.model import Channel, Guild, User
from adapters.discord.simulator.payloads import member_payload, thread_payload, user_payload
from adapters.discord.simulator.store import Payload, emoji_key


class MessageChanges(Changing):
    """Post, edit, delete, pin and react."""

    def post(
        self,
        channel_id: int,
        content: str = "",
        author_id: int | None = None,
        *,
        reply_to: int | None = None,
        silent: bool = False,
        **parts: Any,
    ) -> Payload:
        """Write a message; ``parts`` are further fields of its payload. An archived thread comes back to life."""
        guild, channel = self._place(channel_id)
        self._tick()
        if channel.is_thread and channel.archived:
            self._unarchive(guild, channel, silent)
        if reply_to is not None:
            parts = self._reply_parts(guild, channel, reply_to) | parts
        author = self._member_or_bot(guild, author_id)
        payload = message(self.world.ids.take(), channel_id, author, content, **parts)
        self._add(guild, channel, payload, author, silent)
        return payload

    def _reply_parts(self, guild: Guild, channel: Channel, message_id: int) -> Payload:
        original = channel.messages.get(message_id)
        return {
            "kind": REPLY,
            "message_reference": reference(channel.id, message_id, guild.id),
            "referenced_message": None if original is None else nested(original),
            "mentions": [original["author"]] if original is not None and "author" in original else [],
        }

    def _add(self, guild: Guild, channel: Channel, payload: Payload, author: User, silent: bool) -> None:
        channel.messages.put(payload)
        channel.last_message_id = int(payload["id"])
        if channel.is_thread:
            channel.total_message_sent += 1
            channel.message_count += 1
        self._dispatch_message("MESSAGE_CREATE", guild, channel, payload, author, silent)

    def _unarchive(self, guild: Guild, thread: Channel, silent: bool) -> None:
        thread.archived = False
        thread.archive_timestamp = self.world.ids.now
        self._dispatch_to_viewers("THREAD_UPDATE", guild, thread, thread_payload(guild, thread), silent)

    def _dispatch_message(
        self, event: str, guild: Guild, channel: Channel, payload: Payload, author: User | None, silent: bool
    ) -> None:
        data = payload | {"guild_id": str(guild.id)}
        if author is not None:
            data["member"] = member_payload(guild, author, with_user=False)
        data["mentions"] = [self._mention(guild, user) for user in payload["mentions"] or ()]
        self._dispatch_to_viewers(event, guild, channel, data, silent)

    def _mention(self, guild: Guild, user: Payload) -> Payload:
        known = guild.users.get(int(user["id"]))
        return user if known is None else user | {"member": member_payload(guild, known, with_user=False)}

    def edit(
        self, channel_id: int, message_id: int, content: str | None = None, *, silent: bool = False, **parts: Any
    ) -> Payload:
        """Change a message's text, or other fields of it."""
        if content is not None:
            parts["content"] = content
        if self.world.edits_move_heads:
            self._place(channel_id)[1].last_message_id = message_id
        return self._change(channel_id, message_id, {"edited_timestamp": iso(self._tick())} | parts, silent)

    def unfurl(
        self, channel_id: int, message_id: int, embeds: list[Payload], *, whole: bool = False, silent: bool = False
    ) -> Payload:
        """Add the embeds of a message's links: no edit, and an event with the embeds alone unless ``whole``.

        Discord means to send whole messages only: https://github.com/discord/discord-api-docs/pull/7017
        """
        guild, channel = self._place(channel_id)
        payload = self._change(channel_id, message_id, {"embeds": embeds}, silent or not whole)
        if not whole:
            data = {
                "id": payload["id"],
                "channel_id": str(channel_id),
                "guild_id": str(guild.id),
                "embeds": embeds,
            }
            self._dispatch_to_viewers("MESSAGE_UPDATE", guild, channel, data, silent)
        return payload

    def pin(self, channel_id: int, message_id: int, *, silent: bool = False) -> Payload:
        """Pin a message, with the notice that Discord posts about it."""
        guild, channel = self._place(channel_id)
        payload = self._change(channel_id, message_id, {"pinned": True}, silent)
        channel.last_pin_timestamp = self._tick()
        data = {
            "guild_id": str(guild.id),
            "channel_id": str(channel_id),
            "last_pin_timestamp": iso(channel.last_pin_timestamp),
        }
        self._dispatch_to_viewers("CHANNEL_PINS_UPDATE", guild, channel, data, silent)
        self.post(channel_id, kind=6, message_reference=reference(channel_id, message_id, guild.id), silent=silent)
        return payload

    def _change(self, channel_id: int, message_id: int, parts: Payload, silent: bool) -> Payload:
        guild, channel = self._place(channel_id)
        before = channel.messages.get(message_id)
        if before is None:
            raise KeyError(f"no message {message_id} in channel {channel_id}")
        payload = before | parts
        channel.messages.put(payload)
        author = guild.users.get(int(payload["author"]["id"])) if "author" in payload else None
        self._dispatch_message("MESSAGE_UPDATE", guild, channel, payload, author, silent)
        return payload

    def delete(self, channel_id: int, message_id: int, *, silent: bool = False) -> None:
        """Delete a message. The channel's ``last_message_id`` goes on pointing at it, as Discord's does."""
        guild, channel = self._place(channel_id)
        self._tick()
        if self._drop(channel, message_id):
            data = {"id": str(message_id), "channel_id": str(channel_id), "guild_id": str(guild.id)}
            self._dispatch_to_viewers("MESSAGE_DELETE", guild, channel, data, silent)

    def bulk_delete(self, channel_id: int, message_ids: Iterable[int], *, silent: bool = False) -> None:
        """Delete many at once, as moderators do."""
        guild, channel = self._place(channel_id)
        self._tick()
        gone = [str(message_id) for message_id in message_ids if self._drop(channel, message_id)]
        data = {"ids": gone, "channel_id": str(channel_id), "guild_id": str(guild.id)}
        self._dispatch_to_viewers("MESSAGE_DELETE_BULK", guild, channel, data, silent)

    def _drop(self, channel: Channel, message_id: int) -> bool:
        """Forget a message, also where others show it: in replies and in a thread's starter."""
        if not channel.messages.remove(message_id):
            return False
        hanging = self.world.guilds[channel.guild_id].threads.get(message_id)
        if hanging is not None and hanging is not channel:
            hanging.messages.forget_reference(message_id)
        if channel.is_thread:
            channel.message_count = max(0, channel.message_count - 1)
        return True

    def react(
        self,
        channel_id: int,
        message_id: int,
        emoji: str,
        user_id: int | None = None,
        *,
        burst: bool = False,
        silent: bool = False,
    ) -> bool:
        """Give a reaction; ``emoji`` as ``🔥``, ``name:id`` or ``<a:name:id>``. False where it was there."""
        guild, channel = self._place(channel_id)
        user, given = self._member_or_bot(guild, user_id), reaction_emoji(emoji)
        self._tick()
        if not channel.messages.react(message_id, given, user_payload(user), burst):
            return False
        data = self._reaction(guild, channel_id, message_id, given, user, burst)
        original = channel.messages.get(message_id)
        data |= {"member": member_payload(guild, user), "burst_colors": ["#ff6b35"] if burst else []}
        if original is not None and "author" in original:
            data["message_author_id"] = original["author"]["id"]
        self._dispatch_to_viewers("MESSAGE_REACTION_ADD", guild, channel, data, silent)
        return True

    def unreact(
        self,
        channel_id: int,
        message_id: int,
        emoji: str,
        user_id: int | None = None,
        *,
        burst: bool = False,
        silent: bool = False,
    ) -> bool:
        """Take a reaction back; False where it was not given."""
        guild, channel = self._place(channel_id)
        user, given = self._member_or_bot(guild, user_id), reaction_emoji(emoji)
        self._tick()
        if not channel.messages.unreact(message_id, emoji_key(given), user.id, burst):
            return False
        data = self._reaction(guild, channel_id, message_id, given, user, burst)
        self._dispatch_to_viewers("MESSAGE_REACTION_REMOVE", guild, channel, data, silent)
        return True

    def _reaction(
        self, guild: Guild, channel_id: int, message_id: int, emoji: Payload, user: User, burst: bool
    ) -> Payload:
        return {
            "user_id": str(user.id),
            "channel_id": str(channel_id),
            "message_id": str(message_id),
            "guild_id": str(guild.id),
            "emoji": emoji,
            "burst": burst,
            "type": int(burst),
        }

    def clear_reactions(
        self, channel_id: int, message_id: int, emoji: str | None = None, *, silent: bool = False
    ) -> None:
        """Take all reactions away from a message, or all of one emoji."""
        guild, channel = self._place(channel_id)
        self._tick()
        given = None if emoji is None else reaction_emoji(emoji)
        channel.messages.clear_reactions(message_id, None if given is None else emoji_key(given))
        data: Payload = {
            "channel_id": str(channel_id),
            "message_id": str(message_id),
            "guild_id": str(guild.id),
        }
        event = "MESSAGE_REACTION_REMOVE_ALL" if given is None else "MESSAGE_REACTION_REMOVE_EMOJI"
        self._dispatch_to_viewers(event, guild, channel, data | ({} if given is None else {"emoji": given}), silent)
