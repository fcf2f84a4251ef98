"""discord.py's gateway client, made to outlive what it cannot parse.

It uses private parts of discord.py (docs/decisions/0003), hence the exact pin in pyproject.toml.
"""

import json
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import aiohttp
import discord
import orjson

from adapters.base import ChannelDeleted, Listener, TenantJoined, TenantLeft, TenantsReady
from adapters.discord.channels import is_obfuscated
from adapters.discord.fields import Payload, ident, objs
from adapters.discord.scrub import Scrubber
from adapters.records import TenantRecord

log = logging.getLogger(__name__)

_CHANNEL_EVENTS = ("CHANNEL_CREATE", "CHANNEL_UPDATE")


def _from_json(text: Any) -> Any:
    """orjson is faster, but refuses a page over one lone surrogate, which JSON's grammar allows."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody wants to hear that voice is missing
discord.utils._from_json = _from_json  # noqa: SLF001 (decision 0003)


def intents() -> discord.Intents:
    """What the gateway is asked to tell. Message content is privileged, and the archive is blank without it."""
    return discord.Intents(guilds=True, message_content=True)


class GatewayClient(discord.AutoShardedClient):
    """Logs in, tells a listener which guilds come and go, and remembers which channels are hidden from the bot."""

    def __init__(
        self,
        listener: Listener,
        trace: aiohttp.TraceConfig,
        hash_user: Callable[[str], str],
        guild_ready_timeout_seconds: float,
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
        self._listener = listener
        self._scrub = Scrubber(hash_user)
        self._hidden: dict[str, dict[str, Payload]] = {}
        self._guard_parsers()

    async def setup_hook(self) -> None:
        """Stop aiohttp from sending a dropped GET a second time by itself."""
        self.http._HTTPClient__session._retry_connection = False  # type: ignore[attr-defined]  # noqa: SLF001

    def hidden_channels(self, guild_id: int) -> dict[str, Payload]:
        """The channels of a guild that the gateway showed only as hidden, by id."""
        return dict(self._hidden.get(str(guild_id), {}))

    @property
    def may_read_content(self) -> bool:
        """Whether Discord grants this application the content of messages; otherwise it sends blanks."""
        flags = self.application.flags if self.application else None
        return flags is not None and (flags.gateway_message_content or flags.gateway_message_content_limited)

    async def on_ready(self) -> None:
        """Every (re-)identified session tells the whole set: what was missed in between shows here."""
        await self._listener(TenantsReady(tuple(self._tenant(guild) for guild in self.guilds)))

    async def on_guild_join(self, guild: discord.Guild) -> None:
        """The bot was added to a guild."""
        await self._listener(TenantJoined(self._tenant(guild)))

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A guild came back from an outage, or arrived late."""
        if self.is_ready():
            await self._listener(TenantJoined(self._tenant(guild)))

    async def on_guild_update(self, before: discord.Guild, after: discord.Guild) -> None:
        """A guild was renamed, or something else that the archive does not keep."""
        if before.name != after.name:
            await self._listener(TenantJoined(self._tenant(after)))

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The bot was removed from a guild; an outage does not come here."""
        await self._listener(TenantLeft(str(guild.id)))

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel was deleted, by Discord's own word."""
        await self._listener(ChannelDeleted(str(channel.guild.id), str(channel.id)))

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """A thread was deleted, by Discord's own word."""
        await self._listener(ChannelDeleted(str(event.guild_id), str(event.thread_id)))

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """A handler failed: say so, without the payload that the library would print."""
        # discord.py calls this from its except block.
        log.error("handling a gateway event failed", extra={"event": event_method}, exc_info=True)  # noqa: LOG014

    def _tenant(self, guild: discord.Guild) -> TenantRecord:
        description = {"description": self._scrub(guild.description)} if guild.description else {}
        return TenantRecord(
            platform_id=str(guild.id), name=self._scrub(guild.name) if guild.name else None, metadata=description
        )

    def _guard_parsers(self) -> None:
        parsers = self._connection.parsers
        for event, parse in parsers.items():
            parsers[event] = self._guarded(event, parse)

    def _guarded(self, event: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
        @wraps(parse)
        def guarded(data: Any) -> None:
            try:
                self._note_hidden(event, data)
                parse(data)
            except Exception as e:  # noqa: BLE001 (a payload the library cannot read must not end the bot)
                log.warning("skipped a malformed gateway event", extra={"event": event, "cause": type(e).__name__})

        return guarded

    def _note_hidden(self, event: str, data: Any) -> None:
        """Keep what the library drops, and fill in what it cannot do without."""
        if event == "GUILD_CREATE":
            for channel in objs(data.get("channels")):
                _complete(channel)
            hidden = {i: c for c in objs(data.get("channels")) if is_obfuscated(c) and (i := ident(c.get("id")))}
            self._hidden[str(ident(data.get("id")))] = hidden
        elif event in _CHANNEL_EVENTS or event == "CHANNEL_DELETE":
            hidden = self._hidden.setdefault(str(ident(data.get("guild_id"))), {})
            channel_id = str(ident(data.get("id")))
            if event in _CHANNEL_EVENTS and is_obfuscated(data):
                hidden[channel_id] = data
            else:
                hidden.pop(channel_id, None)
            _complete(data)
        elif event == "GUILD_DELETE" and not data.get("unavailable"):
            self._hidden.pop(str(ident(data.get("id"))), None)


def _complete(channel: Any) -> None:
    for key, least in (("position", 0), ("bitrate", 64_000), ("user_limit", 0), ("permission_overwrites", [])):
        if channel.get(key) is None:
            channel[key] = least
