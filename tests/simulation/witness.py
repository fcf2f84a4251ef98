"""What must be true of the archive at every instant, held against the guild while the daemon runs."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from adapters.discord.simulator.model import Channel, Guild
from tests.simulation.clocks import wall_clock
from tests.simulation.community import Life

_PAUSE_SECONDS = 0.25
_ORDINARY = (0, 19)  # Discord's types of messages that people write

_MESSAGES = """
    SELECT c.platform_id, m.platform_id, m.deleted_at IS NOT NULL, m.content = ''
    FROM messages m JOIN channels c ON c.id = m.channel_id
"""
_CHECKPOINTS = """
    SELECT c.platform_id, p.last_message_platform_id, p.state, c.sync_state
    FROM sync_progress p JOIN channels c ON c.id = p.channel_id
"""
_JOBS = "SELECT id, status, error FROM sync_jobs"


class Witness:
    """Looks at the archive's file beside the daemon, and keeps what is false."""

    def __init__(self, archive: Path, guild: Guild, life: Life) -> None:
        self._archive = archive
        self._guild = guild
        self._life = life
        self._looked_at = 0.0
        self._heads: dict[int, int] = {}
        self._began: dict[str, tuple[float, dict[int, int]]] = {}  # by job: before it was queued
        self._ended: set[str] = set()
        self.looks = 0
        self.lies: list[str] = []

    def look(self) -> None:
        """Look now, unless that was just done."""
        now = wall_clock().true_time()
        if now - self._looked_at < _PAUSE_SECONDS or len(self.lies) > 5:
            return
        with closing(sqlite3.connect(f"file:{self._archive}?mode=ro", uri=True)) as connection:
            try:
                messages = connection.execute(_MESSAGES).fetchall()
                checkpoints = connection.execute(_CHECKPOINTS).fetchall()
                jobs = connection.execute(_JOBS).fetchall()
            except sqlite3.OperationalError:  # there are no tables yet
                return
        self.looks += 1
        self.lies += [f"{now - self._life.began:.3f} s: {lie}" for lie in self._lies(messages, checkpoints, jobs)]
        self._looked_at = now
        self._heads = {place.id: place.messages.last_id or 0 for place in self._places()}

    def _lies(self, messages: list[Any], checkpoints: list[Any], jobs: list[Any]) -> Iterator[str]:
        places = {place.id: place for place in self._places()}
        stored: dict[int, set[int]] = {}
        for channel, message, is_deleted, is_blank in messages:
            place = places.get(int(channel))
            payload = place.messages.get(int(message)) if place else None
            if is_deleted and payload is not None:
                yield f"message {message} of channel {channel} is marked deleted, and is there"
            if not is_deleted:
                stored.setdefault(int(channel), set()).add(int(message))
            if is_blank and payload is not None and payload["type"] in _ORDINARY and payload["content"]:
                yield f"message {message} of channel {channel} is blank in the archive, and is not"
        yield from self._holes(places, stored, checkpoints)
        yield from self._false_successes(places, stored, jobs)

    def _holes(self, places: dict[int, Channel], stored: dict[int, set[int]], checkpoints: list[Any]) -> Iterator[str]:
        for channel, last, *_ in checkpoints:
            if last is not None and (place := places.get(int(channel))):
                missing = _ids(place, until=int(last)) - stored.get(place.id, set())
                if missing:
                    yield f"channel {channel} has its checkpoint at {last}, and lacks {len(missing)}: {min(missing)}"

    def _false_successes(
        self, places: dict[int, Channel], stored: dict[int, set[int]], jobs: list[Any]
    ) -> Iterator[str]:
        """Hold a job that says that it succeeded to it: what was there before it was queued is archived."""
        for job, status, _error in jobs:
            since, heads = self._began.setdefault(job, (wall_clock().true_time(), self._heads))
            if status != "succeeded" or job in self._ended:
                continue
            self._ended.add(job)
            for place_id, head in heads.items():
                place = places.get(place_id)
                if place is None or not self._is_open(place, since):
                    continue
                missing = _ids(place, until=head) - stored.get(place.id, set())
                if missing:
                    yield f"job {job} succeeded, and channel {place.id} lacks {len(missing)}: {min(missing)}"

    def _is_open(self, place: Channel, since: float) -> bool:
        ruling = place.parent_id if place.is_thread else place.id
        return ruling not in self._life.closed and self._life.touched.get(ruling or 0, 0.0) < since - 1

    def _places(self) -> Iterator[Channel]:
        yield from self._guild.channels.values()
        yield from self._guild.threads.values()


def _ids(place: Channel, *, until: int) -> set[int]:
    return {message_id for message_id in place.messages._ids if message_id <= until}  # type: ignore[attr-defined]
