"""What can be read: an open archive, or one instant of it. Both lend connections, so that one function reads either."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


class Readable(Protocol):
    """Lends connections that cannot write.

    An open archive lends any number of them at once, each of which sees what is there at that time; a snapshot of it
    lends the one that it has, again and again.
    """

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection for SELECTs."""
        ...

    def asking(self, seconds: float = 3.0) -> AbstractAsyncContextManager[AsyncConnection]:
        """Lend a connection to answer a person by; of an open archive each query may take so many seconds."""
        ...
