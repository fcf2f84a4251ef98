"""Track the outcome of this process's writes: a test query does not detect failures such as a full disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import DatabaseDamaged, DatabaseFull, DatabaseUnreachable, StorageError


class WriteHealth:
    """Counts commits, and keeps the last failure that is the database's fault and not the statement's."""

    def __init__(self) -> None:
        self.commits = 0
        self._failure: StorageError | None = None
        self._failed_at = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the outcome of a transaction inside the block."""
        try:
            yield
        except StorageError as e:
            if isinstance(e, (DatabaseDamaged, DatabaseFull)) or _is_of_the_disk(e):
                self._failure, self._failed_at = e, time.monotonic()
            raise
        else:
            self.commits += 1

    def failure_within(self, seconds: float) -> StorageError | None:
        """Return the last failure if it is not older than ``seconds``."""
        return self._failure if time.monotonic() - self._failed_at <= seconds else None


def _is_of_the_disk(error: StorageError) -> bool:
    """Return whether a file cannot be written. A server's failures are not kept: a query shows its current state."""
    return isinstance(error, DatabaseUnreachable) and not error.is_transient
