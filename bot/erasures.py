"""Carry out erasures and opt-outs beside everything else, including what an earlier process left unfinished."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from bot.failures import Failures
from bot.reconciliation import LOG_IS_READ, NotYet
from storage import privacy
from storage.database import Database
from storage.privacy import ErasureRequest, OptOut

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.05

R = TypeVar("R", ErasureRequest, OptOut, ErasureRequest | OptOut)


@dataclass(slots=True)
class ErasureRequests:
    """Records erasure requests and opt-outs and carries them out, one after the other."""

    db: Database
    clock: Callable[[], datetime]
    wake: Callable[[], None] = lambda: None
    """Called to have a new request carried out at once."""

    async def record(self, user_hash: str, tenant_id: str | None) -> ErasureRequest:
        """Record an erasure request durably, and begin to carry it out.

        Args:
            user_hash: the person's pseudonym.
            tenant_id: only in this tenant; None: in all present and future ones.
        """
        request = await privacy.record_request(self.db, user_hash, tenant_id=tenant_id, now=self.clock())
        self.wake()
        return request

    async def opt_out(self, user_hash: str, tenant_id: str | None, *, erase: bool) -> OptOut:
        """Record an opt-out durably, and begin to remove what came in meanwhile.

        Args:
            user_hash: the person's pseudonym.
            tenant_id: only in this tenant; None: in all present and future ones.
            erase: remove also what was stored before.
        """
        opted_out = await privacy.opt_out(self.db, user_hash, tenant_id=tenant_id, now=self.clock(), erase=erase)
        self.wake()
        return opted_out

    async def opt_in(self, user_hash: str, tenant_id: str | None) -> list[OptOut]:
        """End a person's opt-out of a tenant, or all of theirs; return those that ended.

        Raises:
            OptedOutEverywhere: one for all tenants holds, and only one of a tenant is to end.
        """
        return await privacy.opt_in(self.db, user_hash, tenant_id=tenant_id, now=self.clock())

    async def end_opt_out(self, opted_out: OptOut) -> OptOut:
        """End one opt-out; return its state."""
        return await privacy.end_opt_out(self.db, opted_out, now=self.clock())

    async def completed(self, request: R, patience: timedelta) -> R:
        """Return a request once it is completed, or its state after ``patience``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                while request.completed_at is None:
                    await asyncio.sleep(_POLL_SECONDS)
                    request = await self.again(request)
        return request

    async def again(self, request: R) -> R:
        """Return the current state of a request."""
        if isinstance(request, OptOut):
            return await privacy.find_opt_out(self.db, request)
        return await privacy.find_request(self.db, request.user_hash, request.tenant_id)

    async def carry_out(self, request: R) -> R:
        """Carry out a request, and return its state; it is not completed while a reader keeps a SQLite file's log."""
        if isinstance(request, OptOut):
            return await privacy.fulfil_opt_out(self.db, request, clock=self.clock)
        return await privacy.fulfil_request(self.db, request, clock=self.clock)

    async def fulfil(self) -> None:
        """Carry out the unfinished requests; a failure of one does not hold up the others.

        Raises:
            StorageError: the database failed for one of them.
            NotYet: a reader keeps a SQLite archive's log from being emptied.
        """
        failures, are_completed = Failures(), True
        for request in await privacy.list_requests(self.db, unfinished=True):
            with failures.apart(request.id):
                are_completed &= _is_completed("a person is forgotten", await self.carry_out(request))
        for opted_out in await privacy.list_opt_outs(self.db, unfinished=True):
            with failures.apart(opted_out.id):
                are_completed &= _is_completed("a person opted out", await self.carry_out(opted_out))
        failures.raise_first()
        if not are_completed:
            raise NotYet(LOG_IS_READ)


def _is_completed(what: str, request: ErasureRequest | OptOut) -> bool:
    if request.completed_at is not None:
        facts = {"request": request.id, "tenant": request.tenant_id, "messages": request.removed.messages}
        log.info(what, extra=facts)
    return request.completed_at is not None or request.swept_at is None  # more was requested meanwhile, and comes next
