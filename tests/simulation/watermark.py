"""What the watermark says: all that was changed before it is in the archive, or is named to be read again."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import datetime

from adapters.discord.simulator.model import Channel
from tests.simulation.clocks import wall_clock
from tests.simulation.community import Life

_GRACE_SECONDS = 2.0  # between what was read and the note that it is outdated

_STATE = """
    SELECT min(l.watermark_at), (SELECT count(*) FROM sync_gaps WHERE repaired_at IS NULL)
    FROM tenants t JOIN live_state l ON l.platform = t.platform AND l.part = t.part
"""  # of the shards that tell of the communities: each has its own
_ROWS = """
    SELECT c.platform_id, m.platform_id, m.content, m.deleted_at IS NOT NULL, EXISTS (
        SELECT 1 FROM refetch_ranges r WHERE r.channel_id = c.id
        AND CAST(coalesce(r.after_platform_id, '0') AS INTEGER) < CAST(m.platform_id AS INTEGER)
        AND CAST(m.platform_id AS INTEGER) <= CAST(r.until_platform_id AS INTEGER)
    )
    FROM messages m JOIN channels c ON c.id = m.channel_id
    WHERE c.skip_reason IS NULL AND c.unmonitored_since IS NULL AND m.platform_id IN (SELECT value FROM json_each(?))
"""


class Watermark:
    """Holds the watermark to what it says, as long as the machine's clock is right."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._outdated: dict[tuple[int, int], float] = {}  # since when each is seen to be

    def lies(self, connection: sqlite3.Connection, places: dict[int, Channel]) -> Iterator[str]:
        """Yield what is false; what is true is not looked at again until it changes."""
        told, gaps = connection.execute(_STATE).fetchone()
        changed = self._life.changed
        if told is None or gaps or self._life.has_moved_clock or not changed:
            return
        passed = datetime.fromisoformat(told).timestamp()
        behind = {key for key, at in changed.items() if at < passed}
        now, ids = wall_clock().true_time(), json.dumps([str(message) for _, message in behind])
        outdated = {}
        for channel, message, content, is_deleted, is_named in connection.execute(_ROWS, (ids,)):
            key = int(channel), int(message)
            if key not in behind or is_named:
                continue
            if self._is_true(places, key, content, is_deleted):
                del changed[key]
                continue
            outdated[key] = self._outdated.get(key, now)
            if outdated[key] < now - _GRACE_SECONDS:
                yield f"message {message} of channel {channel} was changed before the watermark, and is outdated"
        self._outdated = outdated

    def _is_true(self, places: dict[int, Channel], key: tuple[int, int], content: str, is_deleted: bool) -> bool:
        place = places.get(key[0])
        payload = place.messages.get(key[1]) if place else None
        if payload is None or is_deleted:
            return payload is None and bool(is_deleted)
        is_edited = payload["content"].startswith("edited ") and not self._life.forgotten
        return not is_edited or bool(payload["content"] == content)
