"""What the gateway tells for free while it is connected, straight from its payloads and in their order.

Message and reaction events of channels that @everyone cannot read at that moment are dropped. Of a channel that the
gateway has not shown (a thread that was archived all the while) only ids are told: who holds it as archived can look.
"""

import logging
from typing import Any

from adapters.discord.convert import HashUser, Payload, as_object, as_objects, snowflake, snowflakes
from adapters.discord.gateway.events import MESSAGE_EVENTS, channel_ref_of, ids_only, live_event, touched
from adapters.discord.gateway.guild_state import GuildState
from adapters.events import ChannelChanged, ChannelRef, LiveEvent, LiveListener
from adapters.records import ChannelRecord

log = logging.getLogger(__name__)

MESSAGE_CREATE = "MESSAGE_CREATE"
UNPARSED = MESSAGE_EVENTS | {MESSAGE_CREATE}
"""Events that nobody but this room listens to: the library need not parse them."""

_ABOUT_THE_GUILD = ("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE")
_OF_A_GUILD = ("CHANNEL_", "THREAD_", "GUILD_ROLE_", "GUILD_MEMBER_UPDATE", "GUILD_UPDATE")


def ignore(_: LiveEvent) -> None:
    """For who does not want to know what changes."""


class EventDispatcher:
    """Tells a listener what changes in public channels, and keeps the views of the guilds that this takes.

    Nothing here raises, whatever an event holds.
    """

    def __init__(self, live: LiveListener, hash_user: HashUser) -> None:
        self._live = live
        self._hash_user = hash_user
        self._bot_id: str | None = None
        self._views: dict[str, GuildState] = {}

    def hidden_channels(self, guild_id: int) -> dict[str, Payload]:
        """The channels of a guild that the gateway shows only as hidden, by id."""
        view = self._views.get(str(guild_id))
        return view.hidden_channels() if view else {}

    def on_message_event(self, event: str, data: Any) -> None:
        """An event of a message."""
        place = None
        told: LiveEvent | None = None
        try:
            place = channel_ref_of(as_object(data))
            if place is None:
                raise ValueError("no guild's or no channel's id")
            view = self._views.get(place.tenant_id)
            if event == MESSAGE_CREATE:
                _note_message(view, place, data)
            else:
                told = self._converted(event, data, place, view.is_public(place.channel_id) if view else None)
        except Exception as e:  # noqa: BLE001 (no event may end the bot)
            log.warning("skipped a malformed gateway event", extra={"gateway_event": event, "cause": type(e).__name__})
        if told is not None:
            self._tell(told)

    def on_guild_event(self, event: str, data: Any) -> None:
        """Any other event."""
        try:
            changed = self._take(event, data)
        except Exception as e:  # noqa: BLE001 (no event may end the bot)
            log.warning("skipped a malformed gateway event", extra={"gateway_event": event, "cause": type(e).__name__})
            return
        for record in changed:
            self._tell(ChannelChanged(tenant_id=str(snowflake(data.get("guild_id", data.get("id")))), channel=record))

    def _converted(self, event: str, data: Payload, place: ChannelRef, is_public: bool | None) -> LiveEvent | None:
        if is_public is None:
            return ids_only(event, data, place)
        if not is_public:
            return None
        try:
            return live_event(event, data, place, self._hash_user)
        except Exception as e:  # noqa: BLE001 (what cannot be converted can be read again)
            log.warning("a gateway event is malformed", extra={"gateway_event": event, "cause": type(e).__name__})
            return touched(data, place)

    def _take(self, event: str, data: Any) -> list[ChannelRecord]:
        if event == "READY":
            self._begin(data)
        elif event == "GUILD_CREATE":
            guild_id = snowflake(data.get("id"))
            if guild_id is None:
                raise ValueError("a guild without an id")
            if not data.get("unavailable"):
                self._views[guild_id] = GuildState(data, self._bot_id, self._hash_user)
        elif event == "GUILD_DELETE":
            if not data.get("unavailable"):
                self._views.pop(str(snowflake(data.get("id"))), None)
        elif event.startswith(_OF_A_GUILD):
            view = self._views.get(str(snowflake(data.get("id" if event in _ABOUT_THE_GUILD else "guild_id"))))
            return view.hear(event, data) if view else []
        return []

    def _begin(self, data: Payload) -> None:
        """A new session: what was left before it is forgotten, each other guild is about to be told anew."""
        self._bot_id = snowflake(as_object(data.get("user")).get("id"))
        shard_id, shards = data["shard"]
        listed = {snowflake(guild.get("id")) for guild in as_objects(data.get("guilds"))}
        self._views = {
            guild_id: view
            for guild_id, view in self._views.items()
            if guild_id in listed or (int(guild_id) >> 22) % shards != shard_id
        }

    def _tell(self, event: LiveEvent) -> None:
        try:
            self._live(event)
        except Exception as e:  # noqa: BLE001 (never its text: it may hold what the event held)
            log.error(
                "a change could not be handed on",
                extra={"gateway_event": type(event).__name__, "cause": type(e).__name__},
            )


def _note_message(view: GuildState | None, place: ChannelRef, data: Payload) -> None:
    message_ids = snowflakes([data.get("id")])
    if view and message_ids:
        view.note_message(place.channel_id, message_ids[0])
