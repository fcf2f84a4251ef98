"""Carry out erasure requests beside everything else, including those that an earlier process left unfinished."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.failures import Failures
from storage import privacy
from storage.database import Database
from storage.privacy import ErasureRequest

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.05


@dataclass(slots=True)
class ErasureRequests:
    """Records erasure requests and carries them out, one after the other."""

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

    async def completed(self, request: ErasureRequest, patience: timedelta) -> ErasureRequest:
        """Return an erasure request once it is completed, or its state after ``patience``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                while request.completed_at is None:
                    await asyncio.sleep(_POLL_SECONDS)
                    request = await privacy.find_request(self.db, request.user_hash, request.tenant_id)
        return request

    async def fulfil(self) -> None:
        """Carry out the unfinished requests; a failure of one does not hold up the others.

        Raises:
            StorageError: the database failed for one of them.
        """
        failures = Failures()
        for request in await privacy.list_requests(self.db, unfinished=True):
            with failures.apart(request.id):
                self._tell(await privacy.fulfil_request(self.db, request, clock=self.clock))
        failures.raise_first()

    @staticmethod
    def _tell(request: ErasureRequest) -> None:
        facts = {"erasure": request.id, "tenant": request.tenant_id, "messages": request.removed.messages}
        if request.completed_at is not None:
            log.info("a person is forgotten", extra=facts)
        else:
            log.warning("a person is forgotten, but a reader keeps the write-ahead log from being emptied", extra=facts)
