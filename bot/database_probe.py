"""Check whether the database can be used, within a time limit whatever the database does."""

import asyncio
import time

from storage.database import Database
from storage.errors import StorageError

_ANSWER_SECONDS = 1.0
_GIVE_UP_SECONDS = 30.0
_FAILURE_SECONDS = 15.0  # writes happen every few seconds, so a lasting failure is soon noticed again


class DatabaseProbe:
    """Runs one check query at a time; one that hangs is neither cancelled nor repeated."""

    def __init__(self, db: Database, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._db = db
        self._answer_seconds = answer_seconds
        self._pending: asyncio.Task[None] | None = None
        self._asked_at = 0.0

    async def fault(self) -> str | None:
        """Return why the database cannot be used now; None where it can."""
        begun, commits = time.monotonic(), self._db.writes.commits
        await asyncio.wait({self._question()}, timeout=self._answer_seconds)
        if self._pending is None or not self._pending.done():
            # Our own writes are serialized, and the query waits behind them: while they succeed all is well.
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
            pending.cancel()  # its connection may hang for ever and must not block later checks
            pending = None
        if pending is None:
            self._asked_at = time.monotonic()
            pending = asyncio.create_task(self._db.ping(), name="is the database there?")
            pending.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._pending = pending
        return pending
