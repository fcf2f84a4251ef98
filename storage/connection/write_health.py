"""How the writes of this process went: what a question to the database does not show, such as a full disk."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import DatabaseDamaged, DatabaseFull, DatabaseUnreachable, StorageError


class WriteHealth:
    """Counts commits, and keeps the last failure that is the database's and not the statement's."""

    def __init__(self) -> None:
        self.commits = 0
        self._failure: StorageError | None = None
        self._failed_at = 0.0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take note of how a transaction inside ends."""
        try:
            yield
        except StorageError as e:
            if isinstance(e, (DatabaseDamaged, DatabaseFull)) or _is_of_the_disk(e):
                self._failure, self._failed_at = e, time.monotonic()
            raise
        else:
            self.commits += 1

    def failure_within(self, seconds: float) -> StorageError | None:
        """Return the last failure, where it is no older than that."""
        return self._failure if time.monotonic() - self._failed_at <= seconds else None


def _is_of_the_disk(error: StorageError) -> bool:
    """Whether a file cannot be written; a server that was away is asked again, and answers for itself."""
    return isinstance(error, DatabaseUnreachable) and not error.is_transient
