"""Whether the database can be used, answered in time whatever the database does."""

import time

from bot.concurrency import SingleFlight
from storage.database import Database
from storage.errors import StorageError

_ANSWER_SECONDS = 1.0
_FAILURE_SECONDS = 15.0  # something is written every few seconds: where that fails it fails again


class DatabaseProbe:
    """Asks the database one question at a time: what hangs is neither broken off nor asked again beside it."""

    def __init__(self, db: Database, *, answer_seconds: float = _ANSWER_SECONDS) -> None:
        self._db = db
        self._answer_seconds = answer_seconds
        self._question = SingleFlight(db.ping, "is the database there?")

    async def fault(self) -> str | None:
        """Return why the database cannot be used at this moment; None where it can."""
        begun, commits = time.monotonic(), self._db.writes.commits
        question = await self._question.answer(self._answer_seconds)
        if question is None:
            # Our own writes go one by one, and the question behind them: as long as they go through all is well.
            is_writing = self._db.writes.commits > commits
            return None if is_writing else f"it has not answered for {self._question.pending_seconds:.1f} s"
        try:
            question.result()
        except StorageError as e:
            return str(e)
        failure = self._db.writes.failure_within(time.monotonic() - begun + _FAILURE_SECONDS)
        return f"the last write failed: {failure}" if failure else None
