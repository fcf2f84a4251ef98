"""Hold very many waiting records without objects that a garbage collection would go through."""

import pickle
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class PickledList(Generic[T]):
    """A list of records, each kept as pickled bytes.

    A full garbage collection visits every object that refers to others, and stops the event loop meanwhile: with a
    hundred thousand records for a tenth of a second.
    """

    def __init__(self) -> None:
        self._records: list[bytes] = []

    def extend(self, records: Iterable[T]) -> None:
        """Add records at the end."""
        self._records += [pickle.dumps(record, pickle.HIGHEST_PROTOCOL) for record in records]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[T]:
        """Yield the records in their order, each made anew as it is asked for."""
        for record in self._records:
            yield pickle.loads(record)  # noqa: S301 (made above, and never outside this process)
