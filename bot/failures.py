"""Process many items although some fail: the first error is raised after all items had their turn."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import StorageError


class Failures:
    """Collects the errors of single items."""

    def __init__(self) -> None:
        self._first: Exception | None = None

    def __bool__(self) -> bool:
        return self._first is not None

    @contextmanager
    def apart(self, item: str) -> Iterator[None]:
        """Collect an error of the block, with the item in its notes, so that the other items go on.

        Raises:
            StorageError: a transient one, which every other item would meet, too.
        """
        try:
            yield
        except Exception as e:
            if isinstance(e, StorageError) and e.is_transient:
                raise
            e.add_note(item)
            self._first = self._first or e

    def raise_first(self) -> None:
        """Raise the first collected error, if any."""
        if self._first is not None:
            raise self._first


class FailureLog:
    """Logs a failure once, until it changes or ends."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        """``what`` has failed, in words, such as "live events cannot be written"."""
        self._log = log
        self._what = what
        self._kind: str | None = None

    def note(self, error: Exception) -> None:
        """Log an error, unless it is of the kind that was logged last."""
        kind = error.code if isinstance(error, StorageError) else type(error).__name__
        if kind != self._kind and isinstance(error, StorageError):
            facts = {"code": kind, "error": str(error), "of": of(error)}
            self._log.error(f"{self._what} yet", extra=facts)
        elif kind != self._kind:
            self._log.error(f"{self._what}, by a fault of the program: please report it", exc_info=error)
        self._kind = kind

    def ended(self) -> None:
        """Log the next error, whatever it is."""
        self._kind = None


def of(error: Exception) -> str:
    """Return the items in an error's notes, the innermost first."""
    return ", ".join(getattr(error, "__notes__", ()))
