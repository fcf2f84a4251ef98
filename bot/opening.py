"""Open the archive, and wait for it where something that passes by itself is in the way."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime

from storage.database import Database, open_database
from storage.errors import DatabaseBusy, DatabaseInUse, DatabaseReadOnly, DatabaseUnreachable

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 10.0  # how long to wait for an archive that cannot be opened; then the service manager decides
_PAUSE_SECONDS = 0.5


async def open_with_retries(url: str, hash_choice: str, clock: Callable[[], datetime]) -> Database:
    """Open the archive; retry for a while where it is in use, locked, read-only or unreachable.

    Raises:
        StorageError: it stays so, or a person has to see to it.
    """
    give_up_at, is_logged = time.monotonic() + _PATIENCE_SECONDS, False
    while True:
        try:
            return await open_database(url, hash_choice=hash_choice, clock=clock)
        except (DatabaseBusy, DatabaseInUse, DatabaseReadOnly, DatabaseUnreachable) as e:
            if e.needs_a_person or time.monotonic() > give_up_at:
                raise
            if not is_logged:
                log.warning("waiting for the database", extra={"code": e.code, "error": str(e)})
            is_logged = True
        await asyncio.sleep(_PAUSE_SECONDS)
