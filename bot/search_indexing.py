"""Keep the index for searching as the configuration wants it, and bring it up to date beside all else."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from storage.database import Database
from storage.search import IndexKind, continue_index, index_state, prepare_index

log = logging.getLogger(__name__)

_SHORTEST_PAUSE_SECONDS = {"sqlite": 0.01, "postgresql": 5.0}  # there only another process is waited for
_TOLD_EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SearchIndexing:
    """Makes or drops the index, and indexes what was stored before there was one."""

    db: Database
    kind: IndexKind | None
    clock: Callable[[], datetime]

    async def keep(self) -> None:
        """Bring the index up to date; after an interruption the next call goes on.

        Between two steps it pauses for as long as a step took, so that other writers wait for one step at most.

        Raises:
            StorageError: the database cannot keep it, or failed.
        """
        await prepare_index(self.db, self.kind, self.clock())
        if (await index_state(self.db)).is_ready or self.kind is None:
            return
        told_at = began = time.monotonic()
        log.info("building the index for searching", extra={"index": self.kind})
        while await continue_index(self.db, self.clock()):
            ended = time.monotonic()
            if ended - told_at > _TOLD_EVERY_SECONDS:
                told_at = ended
                log.info("building the index for searching", extra={"percent": (await index_state(self.db)).percent})
            await asyncio.sleep(max(ended - began, _SHORTEST_PAUSE_SECONDS[self.db.dialect]))
            began = time.monotonic()
        log.info("every message can be found", extra={"index": self.kind})
