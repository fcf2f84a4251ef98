"""discord.py's gateway client, made to outlive what it cannot parse.

It uses private parts of discord.py (docs/decisions/0003), hence the exact pin in pyproject.toml.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial, wraps
from typing import Any

import aiohttp
import discord
import orjson

from adapters.discord.convert import Payload, Scrubber, as_objects, snowflake
from adapters.discord.gateway.dispatcher import UNPARSED, EventDispatcher, ignore
from adapters.discord.gateway.liveness import GatewayLiveness, KeepAlive
from adapters.events import (
    ChannelDeleted,
    EventHandler,
    LiveEventHandler,
    PlatformEvent,
    TenantJoined,
    TenantLeft,
    TenantOutage,
    TenantsReady,
)
from adapters.privacy import HashUser
from adapters.records import TenantRecord

log = logging.getLogger(__name__)

_CHANNEL_EVENTS = ("CHANNEL_CREATE", "CHANNEL_UPDATE")


def _from_json(text: Any) -> Any:
    """Parse with orjson, which is faster; it refuses a lone surrogate, which JSON's grammar allows and json takes."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = (
    False  # voice is not used: no warning that it is missing
)
discord.utils._from_json = _from_json  # noqa: SLF001 (decision 0003)
discord.gateway.KeepAliveHandler = KeepAlive  # type: ignore[misc]  # (decision 0003)


def intents() -> discord.Intents:
    """Return the events to subscribe to. Message content is privileged, and the archive is blank without it.

    Not polls: each vote would be an event, and the archive keeps the counts that Discord gives with the message.
    """
    return discord.Intents(guilds=True, guild_messages=True, guild_reactions=True, message_content=True)


class GatewayClient(discord.AutoShardedClient):
    """Log in and call one handler as guilds come and go, another one as something changes in them."""

    def __init__(
        self,
        on_event: EventHandler,
        on_live_event: LiveEventHandler = ignore,
        *,
        trace: aiohttp.TraceConfig,
        hash_user: HashUser,
        guild_ready_timeout_seconds: float,
        identify_delay_seconds: float,
    ) -> None:
        super().__init__(
            intents=intents(),
            http_trace=trace,
            # A bucket that asks for a longer wait raises instead of sleeping; 30 is the least the library takes.
            max_ratelimit_timeout=30.0,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=guild_ready_timeout_seconds,
            enable_debug_events=False,
        )
        self._on_event = on_event
        self._identify_delay_seconds = identify_delay_seconds
        self._running_handlers: set[asyncio.Task[Any]] = set()
        self._scrub = Scrubber(hash_user)
        self._dispatcher = EventDispatcher(on_live_event, hash_user)
        self._liveness = GatewayLiveness(self)
        self._guard_parsers()

    async def setup_hook(self) -> None:
        """Stop aiohttp from sending a dropped GET a second time by itself."""
        self.http._HTTPClient__session._retry_connection = False  # type: ignore[attr-defined]  # noqa: SLF001

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait before every session but the first: Discord allows one IDENTIFY in five seconds."""
        if not initial:
            await asyncio.sleep(self._identify_delay_seconds)

    def hidden_channels(self, guild_id: int) -> dict[str, Payload]:
        """Return the channels of a guild that the gateway showed only as hidden, by id."""
        return self._dispatcher.hidden_channels(guild_id)

    def shows_readable_channels(self, guild_id: int) -> bool:
        """Return whether the gateway shows channels of a guild that everyone and the bot may read."""
        return self._dispatcher.shows_readable_channels(guild_id)

    @property
    def received_until(self) -> datetime | None:
        """Until when every event has been received; None where they are not received at present."""
        return self._liveness.received_until

    @property
    def may_read_content(self) -> bool:
        """Whether Discord grants this application the content of messages; otherwise it sends blanks."""
        flags = self.application.flags if self.application else None
        return flags is not None and (flags.gateway_message_content or flags.gateway_message_content_limited)

    async def cancel_handlers(self) -> None:
        """Cancel the handlers that still run: discord.py makes each a task of its own and waits for none."""
        for task in self._running_handlers:
            task.cancel()
        await asyncio.gather(*self._running_handlers, return_exceptions=True)

    async def _deliver(self, event: PlatformEvent) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for the type checker)
        self._running_handlers.add(task)
        try:
            await self._on_event(event)
        finally:
            self._running_handlers.discard(task)

    async def on_ready(self) -> None:
        """Report the whole set of guilds at each new session: what was missed in between shows here."""
        sessions = self._liveness.unannounced_sessions()
        await self._deliver(TenantsReady(tuple(self._tenant(guild) for guild in self.guilds)))
        self._liveness.mark_announced(sessions)
        for guild in self.guilds:
            if guild.unavailable:
                await self.on_guild_unavailable(guild)

    async def on_shard_ready(self, _: int) -> None:
        """Report all guilds when one shard of several begins a new session: the library names no guilds then."""
        if self.is_ready() and len(self.shards) > 1:
            await self.on_ready()

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Report a guild that the bot was added to."""
        await self._deliver(TenantJoined(self._tenant(guild)))

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Report a guild that came back from an outage, or arrived late."""
        if self.is_ready():
            await self._deliver(TenantJoined(self._tenant(guild)))

    async def on_guild_unavailable(self, guild: discord.Guild) -> None:
        """Report an outage of Discord's in a guild."""
        await self._deliver(TenantOutage(str(guild.id)))

    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """Report a guild's new name; other updates carry nothing that the archive keeps."""
        if before.name != after.name:
            await self._deliver(TenantJoined(self._tenant(after)))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Report a guild that the bot was removed from; an outage does not come here."""
        await self._deliver(TenantLeft(str(guild.id)))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Report a channel that was deleted, by Discord's own word."""
        await self._deliver(ChannelDeleted(str(channel.guild.id), str(channel.id)))

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """Report a thread that was deleted, by Discord's own word."""
        await self._deliver(ChannelDeleted(str(event.guild_id), str(event.thread_id)))

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """Log that a handler failed, without the payload that the library would print."""
        # discord.py calls this from its except block.
        log.error("handling a gateway event failed", extra={"gateway_event": event_method}, exc_info=True)  # noqa: LOG014

    def _tenant(self, guild: discord.Guild) -> TenantRecord:
        description = {"description": self._scrub(guild.description)} if guild.description else {}
        return TenantRecord(
            platform_id=str(guild.id), name=self._scrub(guild.name) if guild.name else None, metadata=description
        )

    def _guard_parsers(self) -> None:
        parsers = self._connection.parsers
        for event, parse in parsers.items():
            unparsed = event in UNPARSED
            parsers[event] = (
                partial(self._dispatcher.on_message_event, event) if unparsed else self._guarded(event, parse)
            )

    def _guarded(self, event: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
        @wraps(parse)
        def guarded(data: Any) -> None:
            self._dispatcher.on_guild_event(event, data)
            try:
                if event == "READY":
                    self._remove_left_guilds(data)
                parse(_completed(event, data))
                self._liveness.note(event, data)
            except Exception as e:  # noqa: BLE001 (a payload the library cannot read must not end the bot)
                log.warning(
                    "skipped a malformed gateway event", extra={"gateway_event": event, "cause": type(e).__name__}
                )

        return guarded

    def _remove_left_guilds(self, data: Payload) -> None:
        """Remove guilds that were left while there was no session: the library would keep them for ever."""
        shard_id, shards = data["shard"]
        listed = {snowflake(guild.get("id")) for guild in as_objects(data.get("guilds"))}
        for guild in self.guilds:
            if (guild.id >> 22) % shards == shard_id and str(guild.id) not in listed:
                self._connection._remove_guild(guild)  # noqa: SLF001 (decision 0003)


def _completed(event: str, data: Any) -> Any:
    """Return a payload with all that the library takes for granted; hidden channels lack some of it."""
    if event == "GUILD_CREATE":
        return {**data, "channels": [_complete(channel) for channel in as_objects(data.get("channels"))]}
    return _complete(data) if event in _CHANNEL_EVENTS else data


def _complete(channel: Payload) -> Payload:
    least = {"position": 0, "bitrate": 64_000, "user_limit": 0, "permission_overwrites": []}
    return {**channel, **{key: value for key, value in least.items() if channel.get(key) is None}}
