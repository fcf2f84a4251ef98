"""Take turns with other processes at what only one of them may do at a time, such as logging in at a platform."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.concurrency import aside, finish
from storage.database import Database
from storage.errors import StorageError
from storage.processes import end_turn, take_turn

log = logging.getLogger(__name__)

_LEASE_SECONDS = 10.0
_RENEWED_AFTER = 0.3  # of the lease
_LOOK_SECONDS = 1.0  # one who has the turn may end it at any time
_PAUSE_SECONDS = 1.0


class Turns:
    """The turns of this process: among its own tasks, and with the other processes on the archive."""

    def __init__(self, db: Database, owner: str, *, lease_seconds: float = _LEASE_SECONDS) -> None:
        self._db = db
        self._owner = owner
        self._lease_seconds = lease_seconds
        # In the archive all tasks of this process are one owner.
        self._here: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def turn(self, name: str, spacing_seconds: float) -> AsyncIterator[None]:
        """Wait for a turn, have it as long as the block lasts, and let the next one begin a while after its end.

        While the database cannot be used nobody's turn begins, and one that has begun goes on.

        Args:
            name: what only one may do at a time.
            spacing_seconds: how long after the end nobody begins.
        """
        async with self._here[name]:
            renewing: asyncio.Task[None] | None = None
            try:
                await self._take(name)
                renewing = asyncio.create_task(aside(self._renew(name)), name=f"turn: {name}")
                yield
            finally:  # also where a cancellation came together with the turn
                await finish(self._end(name, renewing, spacing_seconds))

    async def _take(self, name: str) -> None:
        waiting, failing = False, False
        while True:
            try:
                wait = await take_turn(self._db, name, self._owner, self._lease_seconds)
            except StorageError as e:
                if not failing:
                    log.warning("a turn waits for the database", extra={"turn": name, "error": str(e)})
                failing, wait = True, _PAUSE_SECONDS
            else:
                if wait is None:
                    return
                if not waiting:
                    log.debug("waiting for a turn", extra={"turn": name, "seconds": wait})
                waiting, failing = True, False
            await asyncio.sleep(min(wait, _LOOK_SECONDS))

    async def _renew(self, name: str) -> None:
        """Renew a turn until this is cancelled; where it is lost, what is done in it goes on all the same."""
        failing = False
        while True:
            await asyncio.sleep(self._lease_seconds * _RENEWED_AFTER)
            try:
                wait = await take_turn(self._db, name, self._owner, self._lease_seconds)
            except StorageError as e:
                if not failing:
                    log.warning("a turn could not be renewed", extra={"turn": name, "error": str(e)})
                failing = True
            else:
                failing = False
                if wait is not None:
                    log.warning("a turn was lost to another process", extra={"turn": name})
                    return

    async def _end(self, name: str, renewing: "asyncio.Task[None] | None", spacing_seconds: float) -> None:
        if renewing is not None:
            renewing.cancel()
            await asyncio.wait({renewing})
        try:
            await end_turn(self._db, name, self._owner, spacing_seconds)
        except StorageError as e:  # it ends by itself
            log.warning("a turn could not be ended", extra={"turn": name, "error": str(e)})
