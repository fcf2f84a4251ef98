"""What goes wrong with one of many items: the others go on, and the first error is raised when all had their turn."""

from collections.abc import Iterator
from contextlib import contextmanager

from storage.errors import StorageError


class Failures:
    """The errors of single items."""

    def __init__(self) -> None:
        self._first: Exception | None = None

    def __bool__(self) -> bool:
        return self._first is not None

    @contextmanager
    def apart(self, item: str) -> Iterator[None]:
        """Keep an error to the item; its notes name it.

        Raises:
            StorageError: the database is in the way for a while, and would be for the next item, too.
        """
        try:
            yield
        except Exception as e:
            if isinstance(e, StorageError) and e.is_transient:
                raise
            e.add_note(item)
            self._first = self._first or e

    def raise_first(self) -> None:
        """Raise the first error, where there was any."""
        if self._first is not None:
            raise self._first


def of(error: Exception) -> str:
    """Return the items that an error was kept to, the innermost first."""
    return ", ".join(getattr(error, "__notes__", ()))
