"""The gateway: sessions over WebSockets, events in order, and everything it can do to a client on demand.

https://docs.discord.com/developers/events/gateway
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from adapters.discord.simulator.connection import Connection
from adapters.discord.simulator.identify import SessionStarts, ready_payload, refusal, shard_of
from adapters.discord.simulator.ids import mix
from adapters.discord.simulator.model import World
from adapters.discord.simulator.payloads import guild_create
from adapters.discord.simulator.privilege import WITH_CONTENT, blank
from adapters.discord.simulator.session import Session

HEARTBEAT, IDENTIFY, PRESENCE, VOICE_STATE, RESUME, RECONNECT, REQUEST_MEMBERS = 1, 2, 3, 4, 6, 7, 8
INVALID_SESSION, HELLO, HEARTBEAT_ACK = 9, 10, 11

SESSIONS_KEPT = 50  # without a connection, that can still be resumed; the older ones have timed out

_ENDS_SESSION = frozenset((1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014))


class Gateway:
    """Serves the sessions of one bot.

    Settable at any time: `shards` (what /gateway/bot recommends), `minimum_shards` (fewer are closed with 4011),
    `heartbeat_seconds`, `answers_heartbeats`, `silent_shards` (no answer to heartbeats), `resumable` (False: a RESUME
    gets an invalid session), `close_on_identify` (what meets every IDENTIFY; None: accepted), `answers_identify`
    (False: no READY), `starts` (one more than are left costs the token), and `rewrite`, called with each event's name
    and payload: returns what is sent in its place.
    """

    def __init__(self, world: World, *, heartbeat_seconds: float = 41.25, buffer_size: int = 1000) -> None:
        self.url = ""
        self.heartbeat_seconds = heartbeat_seconds
        self.shards = 1
        self.minimum_shards = 1
        self.answers_heartbeats = True
        self.resumable = True
        self.close_on_identify: int | None = None
        self.answers_identify = True
        self.silent_shards: set[int] = set()
        self.starts = SessionStarts()
        self.rewrite: Callable[[str, Any], Any] = lambda _, payload: payload
        self.identifies = self.resumes = self.heartbeats = 0
        self._world = world
        self._buffer_size = buffer_size
        self._sessions: dict[str, Session] = {}
        self._connections: dict[Connection, Session | None] = {}

    # What happens in the world, and what a test does to the client

    def dispatch(self, event: str, guild_id: int | None, payload: Any) -> None:
        """Send an event to the sessions whose shard and intents it concerns, connected or not."""
        if event in WITH_CONTENT and not self._world.sees_content:  # a session outlives the privilege
            payload = blank(payload, str(self._world.bot.id))
        for session in self._sessions.values():
            if session.covers(guild_id):
                session.deliver(event, self.rewrite(event, payload))

    def send_raw(self, event: str, payload: Any, guild_id: int | None = None) -> None:
        """Send any event with any payload, malformed ones too."""
        self.dispatch(event, guild_id, payload)

    def request_heartbeat(self) -> None:
        """Op 1: ask every client for a heartbeat now."""
        self._send_to_all(HEARTBEAT)

    def reconnect(self) -> None:
        """Op 7: ask every client to reconnect and resume."""
        self._send_to_all(RECONNECT)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Op 9: tell every client that its session is invalid, or (resumable) only to try again."""
        if not resumable:
            self._sessions.clear()
        self._send_to_all(INVALID_SESSION, resumable)

    def close(self, code: int, reason: str = "") -> None:
        """Close every connection with this code. Some codes end the session, as they do on Discord."""
        for connection, session in list(self._connections.items()):
            if session is not None and code in _ENDS_SESSION:
                self._sessions.pop(session.id, None)
            connection.close(code, reason)

    def lose(self, shard_id: int) -> None:
        """End one shard's session and its connection, so that the client has to begin a new session."""
        for session in [one for one in self._sessions.values() if one.shard[0] == shard_id]:
            del self._sessions[session.id]
            if session.connection is not None:
                session.connection.close(4000, "Unknown error.")

    def drop(self, events: int, *, for_good: bool = False) -> None:
        """Number every session's next events and do not send them; (for_good) nor at a RESUME."""
        for session in self._sessions.values():
            session.drop(events, for_good=for_good)

    def garble(self, frame: bytes | None = None) -> None:
        """Send every client a malformed frame, or (None) break the compression of what follows."""
        for connection in self._connections:
            connection.garble(frame)

    @property
    def connected(self) -> int:
        """How many connections have a session."""
        return sum(session is not None for session in self._connections.values())

    def start_payload(self) -> dict[str, Any]:
        """GET /gateway/bot."""
        return {"url": self.url, "shards": self.shards, "session_start_limit": self.starts.payload()}

    # The protocol

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection, from HELLO to its close."""
        patience = self.heartbeat_seconds * 1.5  # a client that falls silent is taken for dead
        # Not autoclose: answering a client's close could be cut short, and with it the code would be lost.
        socket = web.WebSocketResponse(timeout=1.0, receive_timeout=patience, autoclose=False, max_msg_size=4096)
        await socket.prepare(request)
        connection = Connection(socket, compress=request.query.get("compress") == "zlib-stream")
        self._connections[connection] = None
        connection.send_op(HELLO, {"heartbeat_interval": int(self.heartbeat_seconds * 1000)})
        writer = asyncio.create_task(connection.write())
        code = None
        try:
            code = await self._read(socket, connection)
        finally:
            self._leave(connection, code)
            if not connection.closing:  # else it ends by itself, when the client has answered the close
                writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    async def _read(self, socket: web.WebSocketResponse, connection: Connection) -> int | None:
        """Take frames until the end; return the code with which the client closed, if it was the client."""
        while True:
            try:
                message = await socket.receive()
            except TimeoutError:
                await socket.close(code=4009, message=b"Session timed out.")
                return 4009
            if message.type is WSMsgType.CLOSE:
                return int(message.data)
            if message.type is not WSMsgType.TEXT:
                return None
            try:
                frame = json.loads(message.data)
                op, data = frame["op"], frame.get("d")
            except (ValueError, TypeError, KeyError, AttributeError):
                connection.close(4002, "Error while decoding payload.")
                continue
            self._handle(connection, op, data)

    def _handle(self, connection: Connection, op: int, data: Any) -> None:
        if op == HEARTBEAT:
            self.heartbeats += 1
            session = self._connections.get(connection)
            if self.answers_heartbeats and (session is None or session.shard[0] not in self.silent_shards):
                connection.send_op(HEARTBEAT_ACK)
        elif op == IDENTIFY:
            self._identify(connection, data)
        elif op == RESUME:
            self._resume(connection, data)
        elif op not in (PRESENCE, VOICE_STATE, REQUEST_MEMBERS):
            connection.close(4001, "Unknown opcode.")
        elif self._connections.get(connection) is None:
            connection.close(4003, "Not authenticated.")

    def _identify(self, connection: Connection, data: Any) -> None:
        if self._connections.get(connection) is not None:
            return connection.close(4005, "Already authenticated.")
        self.identifies += 1
        if not self.starts.take():
            self._world.token = "another one, since this was reset"
            return connection.close(4004, "Authentication failed.")
        is_in_time = self.starts.note(shard_of(data))
        if not self.answers_identify:
            return None
        if self.close_on_identify is not None:
            return connection.close(self.close_on_identify, "As configured.")
        refused = refusal(self._world, data, minimum_shards=self.minimum_shards)
        if refused is not None:
            return connection.close(*refused)
        if not is_in_time:
            return connection.send_op(INVALID_SESSION, data=False)
        session = Session(
            f"{mix(self._world.seed + self.identifies):016x}",
            bot_id=self._world.bot.id,
            intents=data["intents"],
            shard=shard_of(data),
            buffer_size=self._buffer_size,
        )
        self._forget_old_sessions()
        self._sessions[session.id] = session
        self._attach(connection, session)
        self._greet(session)
        return None

    def _greet(self, session: Session) -> None:
        guilds = [guild for guild in self._world.guilds.values() if session.covers(guild.id)]
        session.deliver("READY", self.rewrite("READY", ready_payload(self._world, session, guilds, self.url)))
        for guild in guilds:
            if not guild.unavailable:
                payload = guild_create(self._world, guild) | {"unavailable": False}
                session.deliver("GUILD_CREATE", self.rewrite("GUILD_CREATE", payload))

    def _resume(self, connection: Connection, data: Any) -> None:
        if not isinstance(data, dict) or data.get("token") != self._world.token:
            return connection.close(4004, "Authentication failed.")
        session = self._sessions.get(str(data.get("session_id")))
        missed = session.missed_since(data.get("seq")) if session is not None else None
        if session is None or missed is None or not self.resumable:
            return connection.send_op(INVALID_SESSION, data=False)
        self.resumes += 1
        for frame in missed:
            connection.send(frame)
        self._attach(connection, session)
        session.deliver("RESUMED", {"_trace": []})
        return None

    def _attach(self, connection: Connection, session: Session) -> None:
        if session.connection is not None:
            session.connection.close(4000, "Resumed elsewhere.")
        session.connection = connection
        self._connections[connection] = session

    def _leave(self, connection: Connection, close_code: int | None) -> None:
        session = self._connections.pop(connection, None)
        if session is None or session.connection is not connection:
            return
        session.connection = None
        if close_code in _ENDS_SESSION:
            self._sessions.pop(session.id, None)

    def _forget_old_sessions(self) -> None:
        left = [session for session in self._sessions.values() if session.connection is None]
        for session in left[:-SESSIONS_KEPT]:
            del self._sessions[session.id]

    def _send_to_all(self, op: int, data: Any = None) -> None:
        for connection in self._connections:
            connection.send_op(op, data)
