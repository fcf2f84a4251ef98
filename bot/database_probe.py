"""Whether the database can be used, answered in time whatever the database does."""

import asyncio
import time

from storage.database import Database
from storage.errors import StorageError

_ANSWER_SECONDS = 1.0
_GIVE_UP_SECONDS = 30.0
_FAILURE_SECONDS = 15.0  # something is written every few seconds: where that fails it fails again


class DatabaseProbe:
    """Asks the database one question at a time: what hangs is neither broken off nor asked again beside it."""

    def __init__(self, db: Database, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._db = db
        self._answer_seconds = answer_seconds
        self._pending: asyncio.Task[None] | None = None
        self._asked_at = 0.0

    async def fault(self) -> str | None:
        """Return why the database cannot be used at this moment; None where it can."""
        begun, commits = time.monotonic(), self._db.writes.commits
        await asyncio.wait({self._question()}, timeout=self._answer_seconds)
        if self._pending is None or not self._pending.done():
            # Our own writes go one by one, and the question behind them: as long as they go through all is well.
            is_writing = self._db.writes.commits > commits
            return None if is_writing else f"it has not answered for {time.monotonic() - self._asked_at:.1f} s"
        question, self._pending = self._pending, None
        try:
            question.result()
        except StorageError as e:
            return str(e)
        failure = self._db.writes.failure_within(time.monotonic() - begun + _FAILURE_SECONDS)
        return f"the last write failed: {failure}" if failure else None

    def _question(self) -> "asyncio.Task[None]":
        pending = self._pending
        if pending is not None and not pending.done() and time.monotonic() - self._asked_at > _GIVE_UP_SECONDS:
            pending.cancel()  # a connection that the network has swallowed must not stand for the next one
            pending = None
        if pending is None:
            self._asked_at = time.monotonic()
            pending = asyncio.create_task(self._db.ping(), name="is the database there?")
            pending.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._pending = pending
        return pending
