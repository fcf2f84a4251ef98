"""Fulfils wishes to be forgotten beside all else that runs, also those that an earlier process was broken off in."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.concurrency import only_wanted_cancellation
from bot.failures import Failures, of
from storage import privacy
from storage.database import Database
from storage.errors import StorageError
from storage.privacy import Wish

log = logging.getLogger(__name__)

LOOK_AGAIN_AFTER = timedelta(minutes=1)
"""How often unfinished wishes are looked for; a new one is begun at once."""

_POLL_SECONDS = 0.05


@dataclass(slots=True)
class WishKeeper:
    """Records wishes and fulfils them, one after the other."""

    db: Database
    clock: Callable[[], datetime]
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def record(self, user_hash: str, tenant_id: str | None) -> Wish:
        """Record a wish for good, and begin with it.

        Args:
            user_hash: the person's pseudonym.
            tenant_id: in one tenant only; None: in all there are and will be.
        """
        wish = await privacy.record_wish(self.db, user_hash, tenant_id=tenant_id, now=self.clock())
        self._news.set()
        return wish

    async def completed(self, wish: Wish, patience: timedelta) -> Wish:
        """Return a wish once it is completed, or as it is after a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience.total_seconds()):
                while wish.completed_at is None:
                    await asyncio.sleep(_POLL_SECONDS)
                    wish = await privacy.find_wish(self.db, wish.user_hash, wish.tenant_id)
        return wish

    async def run(self) -> None:
        """Fulfil wishes until cancelled. What fails is tried again."""
        while True:
            self._news.clear()
            try:
                with only_wanted_cancellation():  # or the loop would end without a word
                    await self._fulfil_all()
            except StorageError as e:
                facts = {"code": e.code, "error": str(e), "of": of(e)}
                log.warning("wishes to be forgotten wait for the database", extra=facts)
            except Exception:
                log.exception("wishes to be forgotten failed and will be tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_AFTER.total_seconds()):
                    await self._news.wait()

    async def _fulfil_all(self) -> None:
        """Fulfil what is unfinished; what is wrong with one wish does not hold up the others."""
        failures = Failures()
        for wish in await privacy.list_wishes(self.db, unfinished=True):
            with failures.apart(wish.id):
                self._tell(await privacy.fulfil_wish(self.db, wish, clock=self.clock))
        failures.raise_first()

    @staticmethod
    def _tell(wish: Wish) -> None:
        facts = {"wish": wish.id, "tenant": wish.tenant_id, "messages": wish.removed.messages}
        if wish.completed_at is not None:
            log.info("a person is forgotten", extra=facts)
        else:
            log.warning("a person is forgotten, but a reader keeps the write-ahead log from being emptied", extra=facts)
