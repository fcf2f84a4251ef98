"""Delete old jobs, repaired gaps, settled unwritten events, and waits that were errors; number what was changed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage import changes, jobs, repair, tenants, unwritten
from storage.database import Database

log = logging.getLogger(__name__)

HOUSEKEEPING_TICK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Deletes what is older than ``keep``; zero keeps everything."""

    db: Database
    keep: timedelta
    clock: Callable[[], datetime]

    async def run(self) -> None:
        """Delete everything old, in small transactions, so that no other writer waits long."""
        now = self.clock()
        if lifted := await tenants.lift_impossible_waits(self.db, now):
            log.warning("waits of more than a day are over", extra={"lifted": lifted})
        while await changes.number_changes(self.db, now):  # so that they do not pile up where nobody reads them
            pass
        if not self.keep:
            return
        removed = 0
        while count := await jobs.prune_jobs(self.db, ended_before=now - self.keep):
            removed += count
        gaps = await repair.prune_gaps(self.db, repaired_before=now - self.keep)
        entries = 0
        while count := await unwritten.prune_entries(self.db, resolved_before=now - self.keep):
            entries += count
        if removed or gaps or entries:
            extra = {"jobs": removed, "gaps": gaps, "unwritten_events": entries}
            log.info("removed what has had its time", extra=extra)
