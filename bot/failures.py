"""Process many items although some fail: the first error is raised after all items had their turn."""

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


def of(error: Exception) -> str:
    """Return the items in an error's notes, the innermost first."""
    return ", ".join(getattr(error, "__notes__", ()))
