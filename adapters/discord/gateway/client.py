"""The bot's connection to Discord: one log-in, one REST client that outlives connections, and the gateway's shards.

discord.py provides the log-in, the REST requests and the WebSocket (docs/decisions/0003 and 0015). Events are read from
the gateway's raw payloads alone, so that an odd part of a guild cannot keep the guild from being parsed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn

import aiohttp
import discord
from discord.http import HTTPClient

from adapters.discord.choice import ChannelChoice
from adapters.discord.convert import Payload, as_object
from adapters.discord.gateway.dispatcher import EventDispatcher, ignore
from adapters.discord.gateway.events import MESSAGE_EVENTS
from adapters.discord.gateway.identify import IdentifyGate
from adapters.discord.gateway.login import Login
from adapters.discord.gateway.roster import GuildRoster
from adapters.discord.gateway.shard import Shard
from adapters.discord.gateway.sharding import division_of, part_name, shard_named, shard_of
from adapters.discord.gateway.waits import Backoff, Waits
from adapters.discord.permissions import Principal
from adapters.events import EventHandler, LiveEventHandler, PlatformEvent, Stream
from adapters.health import ConnectionHealth, PartHealth
from adapters.parts import Division
from adapters.privacy import HashUser

log = logging.getLogger(__name__)

_WRONG_SHARDS = (4010, 4011)


class GatewayClient:
    """Log in and call one handler as guilds come and go, another one as something changes in them."""

    def __init__(
        self,
        on_event: EventHandler,
        on_live_event: LiveEventHandler = ignore,
        *,
        trace: aiohttp.TraceConfig,
        hash_user: HashUser,
        choice: ChannelChoice,
        guild_ready_timeout_seconds: float,
        identify_delay_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._on_event = on_event
        self.choice = choice
        self._events: asyncio.Queue[tuple[PlatformEvent, Shard | None]] = asyncio.Queue()
        self._dispatcher = EventDispatcher(on_live_event, hash_user, choice)
        self._roster = GuildRoster(self._report, hash_user, quiet_seconds=guild_ready_timeout_seconds)
        self._waits = Waits(sleep)
        self.login = Login(self._waits, trace, on_socket=lambda socket: self._shards[socket.shard_id or 0].take(socket))
        self._gate = IdentifyGate(self.login.start_limit, self._waits, spacing_seconds=identify_delay_seconds)
        self._shards: dict[int, Shard] = {}
        self._connections = 0  # how often the shards were replaced; each set of shards counts its sessions from 0
        self._shard_pauses = Backoff(identify_delay_seconds, 900.0)

    @property
    def http(self) -> HTTPClient:
        """discord.py's REST client, which outlives the gateway's connections."""
        return self.login.http

    async def run(self, token: str) -> NoReturn:
        """Stay connected until cancelled.

        Raises:
            discord.LoginFailure: Discord refuses the token.
            discord.ConnectionClosed: it closed a shard with a final close code.
        """
        delivery = asyncio.create_task(self._deliver(), name="communities' events")
        try:
            await self.login.log_in(token)
            while True:
                await self._run_shards()
        finally:
            delivery.cancel()
            await asyncio.gather(delivery, return_exceptions=True)
            await self.login.close()

    def hidden_channels(self, guild_id: int) -> dict[str, Payload]:
        """Return the channels of a guild that the gateway showed only as hidden, by id."""
        return self._dispatcher.hidden_channels(guild_id)

    def readable_channels(self, guild_id: int) -> list[str]:
        """Return the text channels that everyone and the bot may read, by the gateway's payloads."""
        return self._dispatcher.readable_channels(guild_id)

    def stream(self, guild_id: int) -> Stream | None:
        """Return a guild's stream: that of a set of shards, a shard's session, and the guild's arrival in it.

        None where its events are not received at present.
        """
        count, arrival = len(self._shards), self._roster.arrival_number(str(guild_id))
        session = self._shards[shard_of(guild_id, count)].current_session if count else None
        if session is None or arrival is None:
            return None
        return Stream((self._connections, session, arrival), self._dispatcher.unsettled(guild_id))

    def roles(self, guild_id: int) -> list[Payload]:
        """Return a guild's roles with their permissions, by the gateway's payloads."""
        return self._dispatcher.roles(guild_id)

    def compare_roles(self, guild_id: int, listed: list[Payload]) -> None:
        """Note where a listing of a guild's roles contradicts the gateway's payloads."""
        self._dispatcher.compare_roles(guild_id, listed)

    def doubt(self, guild_id: str) -> Callable[[str], bool]:
        """Take note that events of a guild were not received; return which guilds' events are doubtful for that.

        Sessions were seen that answer heartbeats and send no events. Two guilds of a shard, or its only one, suffice to
        begin its session anew.
        """
        count = len(self._shards)
        shard = self._shards[shard_of(guild_id, count)]
        shard.doubted.add(guild_id)
        others = self._roster.guilds_of(shard.id, count)
        if len(shard.doubted) < 2 and any(other != guild_id for other in others):
            return guild_id.__eq__
        shard.begin_anew()
        return lambda other: shard_of(other, count) == shard.id

    def is_there(self, guild_id: int) -> bool:
        """Return whether the bot is in a guild whose GUILD_CREATE has been received."""
        return self._roster.has_arrived(str(guild_id))

    def principal(self, guild_id: int) -> Principal | None:
        """Return the bot as a member of a guild, by the gateway's payloads; None where they lack its roles."""
        return self._dispatcher.principal(guild_id)

    def may_read(self, guild_id: int, channel_id: str) -> bool | None:
        """Return whether the bot may read a channel's history, by the gateway's payloads; None: they do not tell."""
        return self._dispatcher.may_bot_read(guild_id, channel_id)

    def is_member(self, guild_id: str) -> bool:
        """Return whether the bot is in a guild, by the newest READY and the events since."""
        return guild_id in self._roster

    async def has_arrived(self, guild_id: str, within_seconds: float) -> bool:
        """Wait until a guild of the bot's has arrived; return whether it has within the time."""
        try:
            async with asyncio.timeout(within_seconds):
                await self._roster.arrival(guild_id)
        except TimeoutError:
            return False
        return self._roster.has_arrived(guild_id)

    @property
    def division(self) -> Division | None:
        """The shards, and which guild belongs to which."""
        return division_of(len(self._shards)) if self._shards else None

    @property
    def held(self) -> frozenset[str]:
        """The shards that are connected, by name."""
        return frozenset(self.division.parts if self.division else ())

    @property
    def ready_parts(self) -> frozenset[str]:
        """The shards whose events are received, and whose guilds were announced and handled."""
        shards = list(self._shards.values())
        return frozenset(part_name(s.id, len(shards)) for s in shards if _reason(s, len(shards)) is None)

    def received_until(self, part: str) -> datetime | None:
        """Return until when every event of a shard has been received; None while it receives none."""
        shard_id = shard_named(part, len(self._shards))
        return None if shard_id is None else self._shards[shard_id].received_until

    @property
    def health(self) -> ConnectionHealth:
        """State of the shards."""
        parts = (PartHealth(str(s.id), s.is_connected, s.heartbeat_age_seconds) for s in self._shards.values())
        return ConnectionHealth(tuple(parts), self._waits.seconds_left)

    @property
    def unready_reason(self) -> str | None:
        """Why not all events are received at present; None where they are."""
        reasons = [reason for s in self._shards.values() if (reason := _reason(s, len(self._shards)))]
        reasons = reasons if self._shards else ["not connected to Discord's gateway"]
        told = [*reasons[:10], *([self._waits.reason] if self._waits.reason else [])]
        return "; ".join(told) if reasons else None

    async def _run_shards(self) -> None:
        """Keep the recommended number of shards connected until Discord requires another number."""
        count = (await self.login.retried("asking how to connect", self._gate.limit)).shards
        self.login.share(count)
        self._connections += 1
        self._shards = {i: Shard(self.login.library, i, self._gate, self._waits, self._take) for i in range(count)}
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.TaskGroup() as group:
                for shard in self._shards.values():
                    group.create_task(shard.run(), name=f"shard {shard.id} of {count}")
        except BaseExceptionGroup as group:
            error = group.exceptions[0]
            if not isinstance(error, discord.ConnectionClosed) or error.code not in _WRONG_SHARDS:
                raise error from None
            log.warning("Discord wants this bot to use other shards", extra={"shards": count, "close_code": error.code})
        finally:
            self._roster.end_sessions()
        if asyncio.get_running_loop().time() - began > 600:
            self._shard_pauses.succeeded()
        await self._waits.wait(self._shard_pauses.failed(), "Discord requires other shards: no new connection before")

    def _take(self, shard: Shard, event: str, data: Any) -> None:
        """Pass an event of a shard to the dispatcher and the roster."""
        if event in MESSAGE_EVENTS:
            self._dispatcher.on_message_event(event, data)
            return
        count = len(self._shards)
        if event == "READY":
            self._dispatcher.on_guild_event(event, {**as_object(data), "shard": [shard.id, count]})
            self._roster.begin_session(shard.id, count, data)
        else:
            self._dispatcher.on_guild_event(event, data)
            self._roster.take(event, data)

    def _report(self, event: PlatformEvent, shard_id: int | None) -> None:
        self._events.put_nowait((event, None if shard_id is None else self._shards[shard_id]))

    async def _deliver(self) -> NoReturn:
        """Call the handler with the events of communities, one by one in their order."""
        while True:
            event, shard = await self._events.get()
            session = shard.sessions if shard else 0
            try:
                await self._on_event(event)
            except Exception:  # a failure of the handler must not stop the events behind this one
                log.exception("handling a gateway event failed", extra={"gateway_event": type(event).__name__})
            if shard is not None:
                shard.announced_session = session


def _reason(shard: Shard, count: int) -> str | None:
    name = f"shard {shard.id} of {count}"
    if not shard.is_connected:
        return f"{name} is not connected to Discord's gateway"
    if shard.is_unresponsive:
        return f"{name} has had no answer to its heartbeats for {shard.unacknowledged_seconds:.0f} s"
    if shard.announced_session != shard.sessions:
        return f"the guilds of {name} are still arriving"
    return None
