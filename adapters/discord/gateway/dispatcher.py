"""Hand the gateway's changes on, straight from its payloads and in their order.

Message and reaction events of channels that @everyone cannot read at that moment are dropped. Of a channel that the
gateway has not shown (a thread that was archived all the while) only ids are handed on: an archive that holds it can
read the messages again. A new message in one waits for the event that shows the channel.
"""

import logging
from typing import Any

from adapters.discord.choice import ALL_CHANNELS, ChannelChoice
from adapters.discord.convert import Payload, as_object, as_objects, snowflake, snowflakes
from adapters.discord.gateway.events import (
    MESSAGE_CREATE,
    channel_ref,
    ids_only,
    invalidated,
    live_event,
    missed,
)
from adapters.discord.gateway.guild_state import GuildState, is_new
from adapters.discord.gateway.sharding import shard_of
from adapters.discord.gateway.waiting import WaitingMessages
from adapters.discord.permissions import Principal
from adapters.events import ChannelChanged, ChannelRef, LiveEvent, LiveEventHandler, MessageMissed
from adapters.privacy import HashUser
from adapters.records import ChannelRecord

log = logging.getLogger(__name__)

_ABOUT_THE_GUILD = ("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE")
_OF_A_GUILD = ("CHANNEL_", "THREAD_", "GUILD_ROLE_", "GUILD_MEMBER_UPDATE", "GUILD_UPDATE")


def ignore(_: LiveEvent) -> None:
    """Discard a live event."""


class EventDispatcher:
    """Call a handler with what changes in public channels, by the state of each guild that this takes.

    Nothing here raises, whatever an event holds.
    """

    def __init__(
        self, on_live_event: LiveEventHandler, hash_user: HashUser, choice: ChannelChoice = ALL_CHANNELS
    ) -> None:
        self._on_live_event = on_live_event
        self._hash_user = hash_user
        self._choice = choice
        self._bot_id: str | None = None
        self._guilds: dict[str, GuildState] = {}
        self._waiting = WaitingMessages()
        self._unreadable = 0  # events of which not even the guild can be read

    def release(self, shard_id: int, shards: int) -> None:
        """Forget a shard's guilds: no event of theirs comes any more."""
        for guild_id in [guild_id for guild_id in self._guilds if shard_of(guild_id, shards) == shard_id]:
            del self._guilds[guild_id]
            self._waiting.forget(guild_id)

    def unsettled(self, guild_id: int) -> int:
        """Return how many events of a guild said less than a listing of its channels and threads would."""
        guild = self._guilds.get(str(guild_id))
        return self._unreadable + (guild.unsettled if guild else 0)

    def roles(self, guild_id: int) -> list[Payload]:
        """Return the roles of a guild with their permissions; none where the guild was not received."""
        guild = self._guilds.get(str(guild_id))
        return guild.roles if guild else []

    def compare_roles(self, guild_id: int, listed: list[Payload]) -> None:
        """Note where a listing of a guild's roles contradicts its events."""
        if guild := self._guilds.get(str(guild_id)):
            guild.compare_roles(listed)

    def hidden_channels(self, guild_id: int) -> dict[str, Payload]:
        """Return the channels of a guild that the gateway shows only as hidden, by id."""
        guild = self._guilds.get(str(guild_id))
        return guild.hidden_channels() if guild else {}

    def principal(self, guild_id: int) -> Principal | None:
        """Return the bot as a member of a guild; None where the guild or the bot's roles in it were not received."""
        guild = self._guilds.get(str(guild_id))
        return guild.principal if guild else None

    def may_bot_read(self, guild_id: int, channel_id: str) -> bool | None:
        """Return whether the bot may read the history of a channel or thread, by the gateway's payloads.

        None where they do not tell, as of a channel that was created unheard.
        """
        guild = self._guilds.get(str(guild_id))
        return guild.may_bot_read(channel_id) if guild else None

    def readable_channels(self, guild_id: int) -> list[str]:
        """Return the text channels that everyone and the bot may read, by the gateway's payloads."""
        guild = self._guilds.get(str(guild_id))
        return guild.readable_channels() if guild else []

    def on_message_event(self, event: str, data: Any) -> None:
        """Handle an event of a message."""
        outgoing: LiveEvent | None = None
        try:
            channel = channel_ref(as_object(data))
            if channel is None:
                raise ValueError("no guild's or no channel's id")
            guild = self._guilds.get(channel.tenant_platform_id)
            if event == MESSAGE_CREATE:
                _note_message(guild, channel, data)
            is_public = guild.is_public(channel.platform_id) if guild else None
            if event == MESSAGE_CREATE and is_public is None and guild and not self._waiting.add(channel, data):
                guild.unsettled += 1
            outgoing = self._convert(event, data, channel, is_public)
            if outgoing is None and log.isEnabledFor(logging.DEBUG):
                _log_dropped(event, data, channel)
        except Exception as e:  # noqa: BLE001 (no event may end the bot)
            self._skip_malformed(event, data, e)
        if outgoing is not None:
            self._deliver(outgoing)

    def on_guild_event(self, event: str, data: Any) -> None:
        """Handle any other event."""
        try:
            changed = self._apply_guild_event(event, data)
        except Exception as e:  # noqa: BLE001 (no event may end the bot)
            self._skip_malformed(event, data, e)
            return
        for record in changed:
            guild_id = str(snowflake(data.get("guild_id", data.get("id"))))
            channel = ChannelRef(tenant_platform_id=guild_id, platform_id=record.platform_id)
            waiting = self._waiting.take(channel)
            self._deliver(ChannelChanged(tenant_platform_id=guild_id, record=record, is_new=is_new(event, data)))
            for message in waiting.messages:
                self.on_message_event(MESSAGE_CREATE, message)
            for message_id in waiting.dropped:
                self._deliver(MessageMissed(channel=channel, message_platform_id=message_id))

    def _skip_malformed(self, event: str, data: Any, error: Exception) -> None:
        """Skip an event that cannot be read; what it said is found by the next whole listing."""
        log.warning("skipped a malformed gateway event", extra={"gateway_event": event, "cause": type(error).__name__})
        payload = as_object(data)
        guild = self._guilds.get(str(snowflake(payload.get("guild_id", payload.get("id")))))
        if guild is not None:
            guild.unsettled += 1
        else:
            self._unreadable += 1

    def _convert(self, event: str, data: Payload, channel: ChannelRef, is_public: bool | None) -> LiveEvent | None:
        if event == MESSAGE_CREATE and is_public and not snowflakes([data.get("id")]):
            return MessageMissed(channel=channel, message_platform_id=None)
        if is_public is None:
            return ids_only(event, data, channel)
        if not is_public:
            return None
        try:
            return live_event(event, data, channel, self._hash_user)
        except Exception as e:  # noqa: BLE001 (what cannot be converted can be read again)
            log.warning("a gateway event is malformed", extra={"gateway_event": event, "cause": type(e).__name__})
            return missed(data, channel) if event == MESSAGE_CREATE else invalidated(data, channel)

    def _apply_guild_event(self, event: str, data: Any) -> list[ChannelRecord]:
        if event == "READY":
            self._begin_session(data)
        elif event == "GUILD_CREATE":
            guild_id = snowflake(data.get("id"))
            if guild_id is None:
                raise ValueError("a guild without an id")
            self._waiting.forget(guild_id)
            if not data.get("unavailable"):
                self._guilds[guild_id] = GuildState(data, self._bot_id, self._hash_user, self._choice)
        elif event == "GUILD_DELETE":
            self._waiting.forget(str(snowflake(data.get("id"))))
            if not data.get("unavailable"):
                self._guilds.pop(str(snowflake(data.get("id"))), None)
        elif event.startswith(_OF_A_GUILD):
            guild = self._guilds.get(str(snowflake(data.get("id" if event in _ABOUT_THE_GUILD else "guild_id"))))
            return guild.apply(event, data) if guild else []
        return []

    def _begin_session(self, data: Payload) -> None:
        """Drop the guilds that were left before this session; each other one is about to arrive anew."""
        self._bot_id = snowflake(as_object(data.get("user")).get("id"))
        shard_id, shards = data["shard"]
        listed = {snowflake(guild.get("id")) for guild in as_objects(data.get("guilds"))}
        self._guilds = {
            guild_id: guild
            for guild_id, guild in self._guilds.items()
            if guild_id in listed or shard_of(guild_id, shards) != shard_id
        }

    def _deliver(self, event: LiveEvent) -> None:
        try:
            self._on_live_event(event)
        except Exception as e:  # noqa: BLE001 (never its text: it may hold what the event held)
            log.error(
                "a change could not be handed on",
                extra={"gateway_event": type(event).__name__, "cause": type(e).__name__},
            )


def _log_dropped(event: str, data: Payload, channel: ChannelRef) -> None:
    facts = {"gateway_event": event, "channel": channel.platform_id}
    why = "not everyone may read its channel, or it shows nothing whole: a sync reads what may be read"
    for message_id in snowflakes(data.get("ids") or [data.get("message_id", data.get("id"))]):
        log.debug("live event ignored", extra={**facts, "message_id": message_id, "because": why})


def _note_message(guild: GuildState | None, channel: ChannelRef, data: Payload) -> None:
    message_ids = snowflakes([data.get("id")])
    if guild and message_ids:
        guild.note_message(channel.platform_id, message_ids[0])
