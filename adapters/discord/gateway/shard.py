"""One shard of the gateway: its session, which outlives connections, and the recovery when either is lost.

https://discord.com/developers/docs/events/gateway
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NoReturn

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket, ReconnectWebSocket

from adapters.discord.gateway.identify import IdentifyGate
from adapters.discord.gateway.login import cause_of
from adapters.discord.gateway.missing import MissingEvents, Remedy
from adapters.discord.gateway.socket import EventsMissing, GatewaySocket
from adapters.discord.gateway.waits import Backoff, Waits, requested_wait
from adapters.slices import Slices

log = logging.getLogger(__name__)

# https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
FINAL_CLOSES = (4004, 4010, 4011, 4012, 4013, 4014)
_CONNECT_SECONDS = 30.0
_READY_SECONDS = 60.0
_CLOSE_SECONDS = 5.0
_SOUND_SECONDS = 10.0  # a connection that lasted so long counts as successful
_STRIKES = 3  # how often the payload at one sequence number may be unreadable before the session is given up
_WORTH_TELLING_SECONDS = 5.0
# Discord delivers an event to the gateway with a delay, and its clock differs from ours.
_ALLOWANCE = timedelta(seconds=5)
_DISCORDS_OWN = DiscordWebSocket.DEFAULT_GATEWAY


class Shard:
    """Keeps a shard connected until cancelled; only a final close code ends it."""

    def __init__(
        self,
        client: discord.Client,
        shard_id: int,
        gate: IdentifyGate,
        waits: Waits,
        on_event: Callable[["Shard", str, Any], None],
        *,
        ready_seconds: float = _READY_SECONDS,
    ) -> None:
        self.id = shard_id
        self.sessions = 0
        self.announced_session = 0  # the newest one whose TenantsReady the event handler has processed
        self._client = client
        self._gate = gate
        self._waits = waits
        self._on_event = on_event
        self._ready_seconds = ready_seconds
        self._socket: GatewaySocket | None = None
        self._caught_up_at: float | None = None
        self._acknowledged_at: float | None = None
        self._connected_at: float | None = None  # at first
        self._session: tuple[str, int | None, yarl.URL] | None = None
        self._began_session = False
        self._is_distrusted = False
        self._ending: asyncio.Task[None] | None = None
        self.doubted: set[str] = set()
        """The guilds of which this session did not send all events."""
        self._strikes: tuple[int | None, int] = (None, 0)
        self._missing = MissingEvents()
        self._reconnects, self._unready = Backoff(1.0, 20.0), Backoff(5.0, 1800.0)

    async def run(self) -> NoReturn:
        """Connect, and reconnect whenever the connection ends.

        Raises:
            discord.ConnectionClosed: Discord closed it for good, with one of ``FINAL_CLOSES``.
            discord.LoginFailure: it refuses the token.
        """
        while True:
            try:
                await self._stay_connected()
            except discord.LoginFailure:
                raise
            except Exception as e:
                if isinstance(e, discord.ConnectionClosed) and e.code in FINAL_CLOSES:
                    raise
                pause = self._judge(e)
                await self._close(4000)  # any code but 1000 and 1001, which end the session
                await self._pause(e, pause)
            finally:
                await self._close(1000)

    def take(self, socket: DiscordWebSocket) -> None:
        """Set the socket of a new connection."""
        if isinstance(socket, GatewaySocket):
            self._socket = socket
            self._connected_at = self._connected_at or _now()
            socket.on_event, socket.may_go_on = self._handle, self._may_go_on

    @property
    def is_connected(self) -> bool:
        """Whether it is connected and READY or RESUMED has been received."""
        return self._socket is not None and self._socket.open and self._caught_up_at is not None

    @property
    def current_session(self) -> int | None:
        """The number of the session whose events are received; None where none are at present."""
        is_whole = self.is_connected and not self.is_unresponsive and not self._missing.is_unsettled
        return self.sessions if is_whole else None

    @property
    def received_until(self) -> datetime | None:
        """The time until which every event has been received; None where it is unknown at present."""
        if not self.is_connected or self.announced_session != self.sessions or self._missing.is_unsettled:
            return None
        heart = self._socket.heart if self._socket else None
        return heart.received_until - _ALLOWANCE if heart and heart.received_until else None

    @property
    def heartbeat_age_seconds(self) -> float | None:
        """Seconds since the newest acknowledged heartbeat was sent; None before the first."""
        heart = self._socket.heart if self._socket else None
        if heart is not None and heart.acknowledged_at is not None:
            self._acknowledged_at = heart.acknowledged_at
        return None if self._acknowledged_at is None else _now() - self._acknowledged_at

    @property
    def unacknowledged_seconds(self) -> float:
        """For how long no heartbeat has been acknowledged: since the newest one that was, or the first connection."""
        age = self.heartbeat_age_seconds
        return _now() - (self._connected_at or _now()) if age is None else age

    @property
    def is_unresponsive(self) -> bool:
        """Whether no heartbeat has been acknowledged for longer than two intervals."""
        heart = self._socket.heart if self._socket else None
        return heart is not None and self.unacknowledged_seconds > heart.unresponsive_seconds

    async def _stay_connected(self) -> None:
        """Serve one connection until it ends with an error."""
        self._caught_up_at, self._began_session = None, False
        if self._is_distrusted:
            self._session, self._is_distrusted = None, False
        if self._session is None:
            async with self._gate.admitted(self.id) as start:
                # A refusal that the configuration can cure is reported before any other.
                is_own = DiscordWebSocket.DEFAULT_GATEWAY != _DISCORDS_OWN
                self._began_session = True
                socket = await self._open(gateway=yarl.URL(start.address) if start.address and not is_own else None)
        else:
            session_id, sequence, address = self._session
            socket = await self._open(gateway=address, session=session_id, sequence=sequence, resume=True)
        slices = Slices()  # what has come in at once does not make the next call wait
        async with asyncio.timeout(self._ready_seconds) as limit:
            while True:
                await socket.poll_event()
                await slices.give_way()
                if self._caught_up_at is not None:
                    limit.reschedule(None)

    async def _open(self, **how: Any) -> GatewaySocket:
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await GatewaySocket.from_client(self._client, initial=True, shard_id=self.id, **how)

    def _handle(self, event: str, data: Any) -> None:
        if event == "READY":
            self.sessions += 1
            self.doubted.clear()
            self._missing.begin_session()
            self._is_distrusted, self._strikes = False, (None, 0)
            self._unready.succeeded()
        self._on_event(self, event, data)
        if event in ("READY", "RESUMED"):
            self._caught_up_at = _now()

    def _may_go_on(self, behind: int) -> bool:
        """Return whether to handle an event though others before it are missing."""
        was_unsettled, remedy = self._missing.is_unsettled, self._missing.remedy(behind)
        self._is_distrusted |= remedy is Remedy.NEW_SESSION
        if self._missing.is_unsettled and not was_unsettled:
            log.warning("events of a session are missing: nothing is followed", extra={"shard": self.id})
        return remedy is Remedy.NONE

    def begin_anew(self) -> None:
        """End the session, so that another one begins: this one does not send all events."""
        log.warning("a shard does not send all events: its session begins anew", extra={"shard": self.id})
        self._is_distrusted = True
        if self._socket is not None:
            self._ending = asyncio.create_task(self._close(4000), name=f"end of shard {self.id}'s session")

    def _judge(self, failure: Exception) -> float:
        """Decide whether the session can be resumed; return the seconds to pause before that."""
        if self._socket is not None:
            socket = self._socket
            self._session = (socket.session_id, socket.sequence, socket.gateway) if socket.session_id else None
        if isinstance(failure, ReconnectWebSocket) and not failure.resume:
            self._session = None
        if not isinstance(failure, EventsMissing) and not _is_of_the_network(failure) and self._is_stuck():
            self._session = None
        if self._began_session and self._caught_up_at is None:
            return max(self._unready.failed(), self._reconnects.failed())
        if self._caught_up_at is not None and _now() - self._caught_up_at >= _SOUND_SECONDS:
            self._reconnects.succeeded()
            return 0.0
        return self._reconnects.failed()

    def _is_stuck(self) -> bool:
        """Count failures of the session at this sequence number; return whether they suffice to end it."""
        sequence, (at, strikes) = self._session[1] if self._session else None, self._strikes
        self._strikes = (sequence, strikes + 1 if at == sequence else 1)
        return self._strikes[1] >= _STRIKES

    async def _pause(self, failure: Exception, seconds: float) -> None:
        requested = requested_wait(failure)
        facts = {
            "shard": self.id,
            "cause": cause_of(failure),
            "retry_in_seconds": round(seconds if requested is None else requested),
        }
        log.warning("disconnected from Discord", extra=facts)
        if requested is not None:
            await self._waits.wait(requested, "Discord requested a wait: not tried again before")
        elif seconds > _WORTH_TELLING_SECONDS:
            await self._waits.wait(seconds, f"shard {self.id} cannot be connected: not tried again before")
        else:
            await self._waits.pause(seconds)

    async def _close(self, code: int) -> None:
        _ = self.heartbeat_age_seconds  # records the heartbeat of this connection before it is dropped
        socket, self._socket, self._caught_up_at = self._socket, None, None
        if socket is not None:
            with suppress(Exception):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await socket.close(code)


def _is_of_the_network(failure: Exception) -> bool:
    """Return whether the network ended the connection; else (a timeout, an unreadable frame) the session is suspect."""
    if isinstance(failure, TimeoutError):
        return False
    return isinstance(failure, (ReconnectWebSocket, discord.ConnectionClosed, aiohttp.ClientError, OSError))


def _now() -> float:
    return asyncio.get_running_loop().time()
