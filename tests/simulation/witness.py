"""What must be true of the archive at every instant, held against the guild while the daemon runs."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.discord.simulator.ids import DISCORD_EPOCH_MS
from adapters.discord.simulator.model import Channel, Guild
from tests.simulation.clocks import wall_clock
from tests.simulation.community import Life
from tests.simulation.watermark import Watermark

_PAUSE_SECONDS = 0.25
_ORDINARY = (0, 19)  # Discord's types of messages that people write

_MESSAGES = """
    SELECT c.platform_id, m.platform_id, m.deleted_at IS NOT NULL,
        m.content = '' AND m.author_hash IS NOT NULL -- else it may be an erased one's
    FROM messages m JOIN channels c ON c.id = m.channel_id
"""
_CHECKPOINTS = """
    SELECT c.platform_id, p.last_message_platform_id, p.state, c.sync_state
    FROM sync_progress p JOIN channels c ON c.id = p.channel_id
"""
_JOBS = "SELECT id, status, error, totals, finished_at FROM sync_jobs"
_PEOPLE = """
    SELECT author_hash FROM messages UNION SELECT reply_to_author_hash FROM messages
    UNION SELECT user_hash FROM reactions
"""
_CROSSING_SECONDS = 1.0  # within which a message and the listing that shows it may cross
_HEARING_SECONDS = 20.0  # within which a hidden channel must be known as one where nothing is in the way


class Witness:
    """Looks at the archive's file beside the daemon, and keeps what is false."""

    def __init__(self, archive: Path, guild: Guild, life: Life) -> None:
        self._archive = archive
        self._guild = guild
        self._life = life
        self._looked_at = wall_clock().true_time()
        self._heads = self._first_heads = self._newest()  # at the last look, and at the first
        self._began: dict[str, tuple[float, dict[int, int]]] = {}  # by job: the last look before it was queued
        self._ended: set[str] = set()
        self._claimed: set[str] = set()  # jobs whose claim was looked at
        self._told: dict[str, float] = {}
        self._watermark = Watermark(life)
        self.looks = 0

    @property
    def lies(self) -> list[str]:
        """What was false, each with when it was seen first."""
        return [f"{at:.3f} s: {lie}" for lie, at in self._told.items()]

    def look(self, *, at_once: bool = False) -> None:
        """Look now, unless that was just done."""
        now = wall_clock().true_time()
        if (now - self._looked_at < _PAUSE_SECONDS and not at_once) or len(self.lies) > 5:
            return
        with closing(sqlite3.connect(f"file:{self._archive}?mode=ro", uri=True)) as connection:
            try:
                messages = connection.execute(_MESSAGES).fetchall()
                checkpoints = connection.execute(_CHECKPOINTS).fetchall()
                jobs = connection.execute(_JOBS).fetchall()
                people = {who for (who,) in connection.execute(_PEOPLE)}
            except sqlite3.OperationalError:  # there are no tables yet
                return
            outdated = list(self._watermark.lies(connection, {place.id: place for place in self._places()}))
        self.looks += 1
        lies = (*self._lies(messages, checkpoints, jobs), *self._remembered(people), *outdated)
        self._told = {lie: self._told.get(lie, now - self._life.began) for lie in (*self._told, *lies)}
        self._looked_at = now
        self._heads = self._newest()

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
        yield from self._private(places, stored)
        yield from self._holes(places, stored, checkpoints)
        yield from self._false_successes(places, stored, jobs)
        yield from self._false_claims(stored, jobs)

    def _private(self, places: dict[int, Channel], stored: dict[int, set[int]]) -> Iterator[str]:
        """Look for what was written in a hidden channel, where the daemon must have heard that it is hidden."""
        for hidden, (since, newest) in self._life.private_since.items():
            if not self._life.troubled_at + _HEARING_SECONDS < since < wall_clock().true_time() - 1:
                continue
            for place in places.values():
                if hidden in (place.id, place.parent_id):
                    private = {i for i in stored.get(place.id, ()) if i > newest and _sent(i) > since + 1}
                    if private:
                        yield f"message {min(private)} of channel {place.id} was written in private, and is stored"

    def _remembered(self, people: set[str]) -> Iterator[str]:
        """Hold erasures to what they say."""
        for who in self._life.forgotten:
            if who in people:
                yield f"{who} was erased, and is in the archive"

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
        for job, status, *_ in jobs:
            since, heads = self._began.setdefault(job, (self._looked_at, self._heads))
            if status != "succeeded" or job in self._ended:
                continue
            self._ended.add(job)
            for place_id, head in heads.items():
                place = places.get(place_id)
                if place is None or not self._is_open(place, since):
                    continue
                if place_id in self._life.headless:  # nothing tells of what is new there, once it was read to its end
                    head = min(head, self._first_heads.get(place_id, 0))
                missing = _ids(place, until=head) - stored.get(place.id, set())
                if missing:
                    yield f"job {job} succeeded, and channel {place.id} lacks {len(missing)}: {min(missing)}"

    def _false_claims(self, stored: dict[int, set[int]], jobs: list[Any]) -> Iterator[str]:
        """Hold a job that followed every channel to its time: until then no message of a channel was missed."""
        for job, _status, _error, totals, finished_at in jobs:
            if finished_at is None or job in self._claimed:
                continue
            self._claimed.add(job)
            claim = json.loads(totals)
            if claim.get("channels_followed") != claim.get("channels_total") or not claim.get("proven_until"):
                continue
            until = datetime.fromisoformat(claim["proven_until"]).timestamp() - wall_clock().error_seconds
            for place in self._guild.channels.values():
                if place.id in self._life.headless or not self._is_open(place, until):
                    continue
                sent = {
                    i for i in _ids(place, until=place.messages.last_id or 0) if _sent(i) < until - _CROSSING_SECONDS
                }
                if missing := sent - stored.get(place.id, set()):
                    yield f"job {job} follows channel {place.id}, which lacks {len(missing)}: {min(missing)}"

    def _is_open(self, place: Channel, since: float) -> bool:
        ruling = place.parent_id if place.is_thread else place.id
        return ruling not in self._life.closed and self._life.touched.get(ruling or 0, 0.0) < since - 1

    def _newest(self) -> dict[int, int]:
        return {place.id: place.messages.last_id or 0 for place in self._places()}

    def _places(self) -> Iterator[Channel]:
        yield from self._guild.channels.values()
        yield from self._guild.threads.values()


def _sent(message_id: int) -> float:
    """Return when a message was sent, in Unix seconds."""
    return ((message_id >> 22) + DISCORD_EPOCH_MS) / 1000


def _ids(place: Channel, *, until: int) -> set[int]:
    return {message_id for message_id in place.messages._ids if message_id <= until}  # type: ignore[attr-defined]
