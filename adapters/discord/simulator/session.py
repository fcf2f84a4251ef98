"""A gateway session: it outlives its connections, and remembers what a client missed between two of them."""

from collections import deque
from typing import Any

from adapters.discord.simulator.connection import Connection
from adapters.discord.simulator.privilege import MESSAGE_CONTENT, WITH_CONTENT, blank, intent_of
from adapters.discord.simulator.store import dump


class Session:
    """What one IDENTIFY began: its shard, its intents, its sequence numbers, and its newest events."""

    def __init__(self, session_id: str, *, bot_id: int, intents: int, shard: tuple[int, int], buffer_size: int) -> None:
        self.id = session_id
        self.shard = shard
        self.intents = intents
        self.sequence = 0
        self.connection: Connection | None = None
        self._bot_id = str(bot_id)
        self._buffer: deque[tuple[int, bytes]] = deque(maxlen=buffer_size)
        self._dropped, self._is_forgotten = 0, False

    def covers(self, guild_id: int | None) -> bool:
        """Return whether events of this guild come to this session's shard."""
        shard_id, shards = self.shard
        return guild_id is None or (guild_id >> 22) % shards == shard_id

    def deliver(self, event: str, payload: Any) -> None:
        """Number an event that the session's intents let through, remember it, and send it if anyone is there."""
        needed = intent_of(event)
        if needed and not self.intents & needed:
            return
        if event in WITH_CONTENT and not self.intents & MESSAGE_CONTENT:
            payload = blank(payload, self._bot_id)
        self.sequence += 1
        frame = b'{"op":0,"s":%d,"t":%b,"d":%b}' % (self.sequence, dump(event), dump(payload))
        if not self._dropped or not self._is_forgotten:
            self._buffer.append((self.sequence, frame))
        if self._dropped:
            self._dropped -= 1
        elif self.connection is not None:
            self.connection.send(frame)

    def drop(self, events: int, *, for_good: bool) -> None:
        """Number the next events and do not send them; remember them unless they are lost for good."""
        self._dropped, self._is_forgotten = events, for_good

    def missed_since(self, sequence: object) -> list[bytes] | None:
        """Return the frames after a sequence number; None where some are forgotten, or it was never sent."""
        oldest = self._buffer[0][0] if self._buffer else self.sequence + 1
        if not isinstance(sequence, int) or not oldest - 1 <= sequence <= self.sequence:
            return None
        return [frame for number, frame in self._buffer if number > sequence]
