"""Very many records that wait for their turn, put away so that nobody has to look at them meanwhile."""

import pickle
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """A list of records, kept as bytes.

    A full collection of garbage looks at every object that refers to others, and stops everything meanwhile: at a
    hundred thousand records it does so for a tenth of a second.
    """

    def __init__(self) -> None:
        self._records: list[bytes] = []

    def put(self, records: Iterable[T]) -> None:
        """Add records at the end."""
        self._records += [pickle.dumps(record, pickle.HIGHEST_PROTOCOL) for record in records]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[T]:
        """Yield the records in their order, each made anew as it is asked for."""
        for record in self._records:
            yield pickle.loads(record)  # noqa: S301 (made above, and never outside this process)
