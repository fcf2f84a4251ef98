"""Keep nothing that was said longer than the configuration wants, in each tenant for its own time."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.failures import Failures
from bot.reconciliation import LOG_IS_READ, NotYet
from storage import retention
from storage.database import Database
from storage.retention import Retention

log = logging.getLogger(__name__)

_SHORTEST_PAUSE_SECONDS = 0.01


@dataclass(slots=True)
class ContentRetention:
    """Removes content that has had its time, and sees to it that none is stored."""

    db: Database
    days: int  # 0: for ever
    clock: Callable[[], datetime]
    own_days: Mapping[str, int] = field(default_factory=dict)  # of the tenants that have a time of their own
    wake: Callable[[], None] = lambda: None
    """Called to have what is stored looked at now."""

    @property
    def is_on(self) -> bool:
        """Whether content has its time in any tenant."""
        return bool(self.days or any(self.own_days.values()))

    async def before_sync(self, tenant_id: str) -> None:
        """Settle, before a tenant's messages are read, which of them are stored without content.

        Raises:
            StorageError: the database failed.
        """
        known = await retention.find_retention(self.db, tenant_id) if self.days_of(tenant_id) else None
        if known is not None and await self._advance(known):
            self.wake()

    async def keep(self) -> None:
        """Remove what has had its time; after an interruption the next call goes on. One tenant's failure is its own.

        Also where content is kept for ever now: a removal that was begun earlier is ended.

        Raises:
            StorageError: the database failed for one of the tenants.
            NotYet: a reader keeps a SQLite archive's log from being emptied.
        """
        failures = Failures()
        for known in await retention.list_retentions(self.db):
            with failures.apart(known.tenant_id):
                await self._keep_in(known)
        unclean = [known for known in await retention.list_retentions(self.db) if not known.is_clean]
        is_clean = not unclean or await retention.clean(self.db, unclean, self.clock())
        failures.raise_first()
        if not is_clean:
            raise NotYet(LOG_IS_READ)

    def days_of(self, tenant_id: str) -> int:
        """Return for how many days a tenant's content is kept; 0: for ever."""
        return self.own_days.get(tenant_id, self.days)

    async def _advance(self, known: Retention) -> bool:
        """Look at the clock, unless that can change nothing."""
        now = self.clock()
        if not known.is_due(now):
            return False
        await retention.advance(self.db, known.tenant_id, self.days_of(known.tenant_id), now)
        return True

    async def _keep_in(self, known: Retention) -> None:
        if self.days_of(known.tenant_id) and await self._advance(known):
            known = await retention.find_retention(self.db, known.tenant_id) or known
        if not known.is_swept:
            await self._sweep(known)

    async def _sweep(self, known: Retention) -> None:
        """Between two steps it pauses for as long as a step took, so that other writers wait for one step at most."""
        await retention.begin_sweep(self.db, known)
        began = time.monotonic()
        while await retention.sweep_some(self.db, known, self.clock()):
            await asyncio.sleep(max(time.monotonic() - began, _SHORTEST_PAUSE_SECONDS))
            began = time.monotonic()
        log.info("content that has had its time is removed", extra={"tenant": known.tenant_id})
