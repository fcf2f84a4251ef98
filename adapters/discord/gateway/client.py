"""The bot's connection to Discord: one log-in, one REST client that outlives connections, and the gateway's shards.

discord.py provides the log-in, the REST requests and the WebSocket (docs/decisions/0003 and 0015). Events are read from
the gateway's raw payloads alone, so that an odd part of a guild cannot keep the guild from being parsed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NoReturn

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient

from adapters.discord.choice import ChannelChoice
from adapters.discord.convert import Payload, as_object
from adapters.discord.gateway.delivery import Delivery
from adapters.discord.gateway.dispatcher import EventDispatcher, ignore
from adapters.discord.gateway.events import MESSAGE_EVENTS
from adapters.discord.gateway.identify import IdentifyGate
from adapters.discord.gateway.login import Login
from adapters.discord.gateway.roster import GuildRoster
from adapters.discord.gateway.shard import Shard
from adapters.discord.gateway.sharding import shard_named, shard_of
from adapters.discord.gateway.shards import WRONG_SHARDS, Shards, told_of_refusal
from adapters.discord.gateway.waits import Backoff, Waits
from adapters.discord.permissions import Principal
from adapters.discord.shard_choice import ALL_SHARDS, ShardChoice
from adapters.events import EventHandler, LiveEventHandler, PlatformEvent, Stream
from adapters.health import ConnectionHealth
from adapters.parts import Turn, no_turn
from adapters.privacy import HashUser

log = logging.getLogger(__name__)


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
        shard_choice: ShardChoice = ALL_SHARDS,
        given: frozenset[str] = frozenset(),
        turn: Turn = no_turn,
        guild_ready_timeout_seconds: float,
        identify_delay_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``given`` are the parts to connect at first, where the bot's processes divide the shards."""
        self._delivery = Delivery(on_event)
        self._shard_choice = shard_choice
        self._given = given
        self.choice = choice
        self._dispatcher = EventDispatcher(on_live_event, hash_user, choice)
        self._roster = GuildRoster(self._report, hash_user, quiet_seconds=guild_ready_timeout_seconds)
        self._waits = Waits(sleep)
        self.login = Login(self._waits, trace, on_socket=self._connected)
        self._gate = IdentifyGate(
            self.login.start_limit,
            self._waits,
            spacing_seconds=identify_delay_seconds,
            shards=shard_choice.count or 0,
            turn=turn,
        )
        self.shards: Shards | None = None  # none while Discord has not said how many
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
        delivery = asyncio.create_task(self._delivery.run(), name="communities' events")
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

        The number of an arrival is never used again, also where a shard is dropped and taken again. None where the
        guild's events are not received at present.
        """
        shard = self.shards.of_guild(guild_id) if self.shards else None
        session, arrival = shard.current_session if shard else None, self._roster.arrival_number(str(guild_id))
        if self.shards is None or session is None or arrival is None:
            return None
        return Stream((self.shards.number, session, arrival), self._dispatcher.unsettled(guild_id))

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
        shard = self.shards.of_guild(guild_id) if self.shards else None
        if self.shards is None or shard is None:
            return guild_id.__eq__
        count, shard_id = self.shards.count, shard.id
        shard.doubted.add(guild_id)
        others = self._roster.guilds_of(shard_id, count)
        if len(shard.doubted) < 2 and any(other != guild_id for other in others):
            return guild_id.__eq__
        shard.begin_anew()
        return lambda other: shard_of(other, count) == shard_id

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

    def hold(self, parts: frozenset[str]) -> None:
        """Connect these shards and no others, where the bot's processes divide them."""
        self._given = parts
        if self.shards is not None:
            self.shards.hold(self._to_hold(self.shards.count))

    @property
    def health(self) -> ConnectionHealth:
        """State of the shards."""
        return ConnectionHealth(self.shards.health if self.shards else (), self._waits.seconds_left)

    @property
    def unready_reason(self) -> str | None:
        """Why not all events of the held shards are received at present; None where they are."""
        reasons = self.shards.unready_reasons if self.shards else ["not connected to Discord's gateway"]
        told = [*reasons[:10], *([self._waits.reason] if self._waits.reason else [])]
        return "; ".join(told) if reasons else None

    def _to_hold(self, count: int) -> Iterable[int]:
        if self._shard_choice.is_shared:
            return [i for part in self._given if (i := shard_named(part, count)) is not None]
        return range(count) if self._shard_choice.ids is None else self._shard_choice.ids

    def _connected(self, socket: DiscordWebSocket) -> None:
        if self.shards is not None and (shard := self.shards.get(socket.shard_id or 0)):
            shard.take(socket)

    async def _run_shards(self) -> None:
        """Keep the held shards connected until Discord requires another number of shards."""
        recommended = await self._recommended()
        shards = self.shards = self._begun(self._shard_choice.count or recommended)
        began = asyncio.get_running_loop().time()
        try:
            await shards.run()
        except discord.ConnectionClosed as e:
            if e.code not in WRONG_SHARDS:
                raise
            why = told_of_refusal(shards.count, e.code, await self._recommended() if self._shard_choice.count else None)
        finally:
            self._roster.end_sessions()
        if asyncio.get_running_loop().time() - began > 600:
            self._shard_pauses.succeeded()
        await self._waits.wait(self._shard_pauses.failed(), f"{why}: no new connection before")

    async def _recommended(self) -> int:
        return (await self.login.retried("asking how to connect", self._gate.limit)).shards

    def _begun(self, count: int) -> Shards:
        """Return so many shards; where they are more or fewer than before, none of those is held any more."""
        if self.shards is not None and self.shards.count != count:
            self._given = frozenset()
            self.shards.hold(())
        self.login.share(count)
        shards = Shards(
            count, lambda i: Shard(self.login.library, i, self._gate, self._waits, self._take), self._release
        )
        shards.hold(self._to_hold(count))
        return shards

    def _release(self, shard_id: int, count: int) -> None:
        self._dispatcher.release(shard_id, count)
        self._roster.release(shard_id, count)

    def _take(self, shard: Shard, event: str, data: Any) -> None:
        """Pass an event of a shard to the dispatcher and the roster; none of one that is held no more."""
        if self.shards is None or self.shards.get(shard.id) is not shard:
            return
        if event in MESSAGE_EVENTS:
            self._dispatcher.on_message_event(event, data)
            return
        count = self.shards.count
        if event == "READY":
            self._dispatcher.on_guild_event(event, {**as_object(data), "shard": [shard.id, count]})
            self._roster.begin_session(shard.id, count, data)
        else:
            self._dispatcher.on_guild_event(event, data)
            self._roster.take(event, data)

    def _report(self, event: PlatformEvent, shard_id: int | None) -> None:
        self._delivery.put(event, self.shards.get(shard_id) if self.shards else None)
