"""Check whether the database can be used, within a time limit whatever the database does."""

import time

from bot.concurrency import SingleFlight
from storage.database import Database
from storage.errors import StorageError

_ANSWER_SECONDS = 1.0
_FAILURE_SECONDS = 15.0  # writes happen every few seconds, so a lasting failure is soon noticed again


class DatabaseProbe:
    """Runs one check query at a time; one that hangs is neither cancelled nor repeated."""

    def __init__(self, db: Database, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._db = db
        self._answer_seconds = answer_seconds
        self._question = SingleFlight(db.ping, "is the database there?")

    async def fault(self) -> str | None:
        """Return why the database cannot be used now; None where it can."""
        begun, commits = time.monotonic(), self._db.writes.commits
        question = await self._question.answer(self._answer_seconds)
        if question is None:
            # Our own writes are serialized, and the query waits behind them: while they succeed all is well.
            is_writing = self._db.writes.commits > commits
            return None if is_writing else f"it has not answered for {self._question.pending_seconds:.1f} s"
        try:
            question.result()
        except StorageError as e:
            return str(e)
        failure = self._db.writes.failure_within(time.monotonic() - begun + _FAILURE_SECONDS)
        return f"the last write failed: {failure}" if failure else None
