"""Send the heartbeats of one connection, and measure by their acknowledgements which events have been received.

A frame that arrives may have waited on the way. Only the acknowledgement of a heartbeat shows that everything sent
before that heartbeat has been received, since frames keep their order. This replaces discord.py's heartbeat thread
(docs/decisions/0015): the library notes the time of a heartbeat after sending it, so that an acknowledgement that
arrives sooner is attributed to the heartbeat before, and a healthy connection is reported as 41 s behind.
"""

import asyncio
import logging
import math
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import discord
from discord.gateway import DiscordWebSocket

log = logging.getLogger(__name__)

_LATE_SECONDS = 10.0
_LOOK_SECONDS = 1.0  # how often it is checked whether an acknowledgement has come
_GRACE_LOOKS = 5  # checks beyond an interval before the connection is given up
_UNRESPONSIVE_LOOKS = 2  # fewer; not none, since behind one lost answer each is noted with the heartbeat before


class KeepAlive:
    """Send heartbeats while the connection lasts; close it where one is not acknowledged when the next one is due.

    The wait for an acknowledgement is counted in checks, not by the clock: a process that was stopped for a while
    finds the acknowledgements in its socket, and has no reason to call the gateway slow.
    """

    def __init__(self, socket: DiscordWebSocket, *, interval_seconds: float, shard_id: int | None) -> None:
        self._socket = socket
        self._interval = max(interval_seconds, 0.01)
        self._look = min(_LOOK_SECONDS, self._interval / 4)
        self._shard_id = shard_id
        self._unanswered: deque[tuple[datetime, float]] = deque()  # times of sending, by wall clock and loop
        self._task: asyncio.Task[None] | None = None
        self.unresponsive_seconds = 2 * self._interval + _UNRESPONSIVE_LOOKS * self._look
        """For how long no heartbeat may be acknowledged; less than after which the connection is given up."""
        self.received_until: datetime | None = None
        self.acknowledged_at: float | None = None  # when the newest acknowledged heartbeat was sent, by the loop's
        self.latency = math.inf

    def get_payload(self) -> dict[str, Any]:
        """Return the payload of a heartbeat that is sent now, and record the time."""
        self._unanswered.append((datetime.now(UTC), _now()))
        return {"op": DiscordWebSocket.HEARTBEAT, "d": self._socket.sequence}

    def ack(self) -> None:
        """Record the acknowledgement of the oldest unacknowledged heartbeat."""
        if self._unanswered:
            self.received_until, self.acknowledged_at = self._unanswered.popleft()
            self.latency = _now() - self.acknowledged_at

    def start(self) -> None:
        """Start sending heartbeats; the first has been sent already."""
        self._task = asyncio.create_task(self._run(), name=f"heartbeat of shard {self._shard_id}")

    def stop(self) -> None:
        """Stop sending heartbeats; a heartbeat task that closes the connection itself is left to end by itself."""
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    async def _run(self) -> None:
        # An error in sending is raised to the reader of the connection.
        with suppress(OSError, RuntimeError, discord.ConnectionClosed):
            sent_at = _now()
            while True:
                await self._wait_until(sent_at + self._interval)
                overdue, sent_at = self._oldest, _now()
                await self._socket.send_heartbeat(self.get_payload())
                if overdue is not None and not await self._is_answered_late(overdue):
                    break
            log.warning("the gateway has not answered a heartbeat: connecting again", extra={"shard": self._shard_id})
            await self._socket.close(4000)

    @property
    def _oldest(self) -> tuple[datetime, float] | None:
        return self._unanswered[0] if self._unanswered else None

    async def _wait_until(self, due: float) -> None:
        looks, is_logged = 0, False
        while (left := due - _now()) > 0:
            await asyncio.sleep(min(self._look, left))
            looks += bool(self._unanswered)
            if not is_logged and looks * self._look >= _LATE_SECONDS:
                facts = {"shard": self._shard_id, "seconds": round(looks * self._look)}
                log.warning("the gateway is late in answering a heartbeat", extra=facts)
                is_logged = True

    async def _is_answered_late(self, overdue: tuple[datetime, float]) -> bool:
        for _ in range(_GRACE_LOOKS):
            await asyncio.sleep(self._look)
            if self._oldest is not overdue:
                return True
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()
