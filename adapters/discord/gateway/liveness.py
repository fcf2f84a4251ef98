"""Know until when every event that Discord sent has surely been received.

A frame that arrives may have waited on the way; only the answer to a heartbeat shows that all that was sent before
that heartbeat has come in, for frames keep their order.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
from discord.gateway import KeepAliveHandler

from adapters.discord.convert import Payload, as_int

# Discord passes an event on to the gateway in its own time, and its clock is not ours.
_ALLOWANCE = timedelta(seconds=5)


class KeepAlive(KeepAliveHandler):
    """Extend the library's heartbeat of one connection: note by the wall clock what its answers prove."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._unanswered: deque[datetime] = deque()
        self.received_until: datetime | None = None
        self.has_caught_up = False  # whether the events missed before this connection have come in

    def get_payload(self) -> dict[str, Any]:
        """Return the heartbeat that is sent now, and note when."""
        self._unanswered.append(datetime.now(UTC))
        return super().get_payload()

    def ack(self) -> None:
        """Take note of the answer to the oldest heartbeat without one."""
        super().ack()
        if self._unanswered:
            self.received_until = self._unanswered.popleft()


class GatewayLiveness:
    """Know which shards receive every event at present."""

    def __init__(self, client: discord.AutoShardedClient) -> None:
        self._client = client
        self._sessions = 0
        self._unannounced: dict[int, int] = {}

    def note(self, event: str, data: Payload) -> None:
        """Take note of READY, a session that is still to be announced, and of RESUMED, the end of a replay."""
        if event == "READY":
            shard_id = as_int(data["shard"][0])
            if shard_id is not None:
                self._sessions += 1
                self._unannounced[shard_id] = self._sessions
        elif event == "RESUMED":
            shard_id = as_int(data.get("__shard_id__"))
        else:
            return
        keep_alive = _keep_alive(self._client.shards.get(shard_id)) if shard_id is not None else None
        if keep_alive is not None:
            keep_alive.has_caught_up = True

    def unannounced_sessions(self) -> dict[int, int]:
        """Return the new sessions by shard: until they are announced, the gap before them is not on record."""
        return dict(self._unannounced)

    def mark_announced(self, sessions: dict[int, int]) -> None:
        """Mark sessions as announced."""
        self._unannounced = {s: session for s, session in self._unannounced.items() if sessions.get(s) != session}

    @property
    def received_until(self) -> datetime | None:
        """Until when every event of every shard has been received; None where one does not receive them at present."""
        shards = self._client.shards
        if self._unannounced or not shards or len(shards) != self._client.shard_count:
            return None
        return _least(_received_until(shard) for shard in shards.values())


def _least(times: Iterable[datetime | None]) -> datetime | None:
    found = list(times)
    known = [timestamp for timestamp in found if timestamp is not None]
    return min(known) - _ALLOWANCE if known and len(known) == len(found) else None


def _received_until(shard: discord.ShardInfo) -> datetime | None:
    keep_alive = None if shard.is_closed() else _keep_alive(shard)
    return keep_alive.received_until if keep_alive is not None and keep_alive.has_caught_up else None


def _keep_alive(shard: discord.ShardInfo | None) -> KeepAlive | None:
    """Return a shard's heartbeat from private parts of the library (docs/decisions/0003); None where it has none."""
    websocket = getattr(getattr(shard, "_parent", None), "ws", None)
    found = getattr(websocket, "_keep_alive", None)
    return found if isinstance(found, KeepAlive) else None
