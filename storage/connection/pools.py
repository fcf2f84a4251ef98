"""The engines that an open archive is used by, each for one purpose."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.connection.asking import asking_engine
from storage.connection.engines import forbid_writing, postgres, sqlite_reader, sqlite_writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pools:
    """The engines of one archive; on PostgreSQL the first two share a pool, and reading opens no transaction."""

    reader: AsyncEngine
    writer: AsyncEngine
    asker: AsyncEngine  # to answer people by, see ``asking``

    def only_reading(self, *, only_asking: bool = False) -> "Pools":
        """Return the same, not used yet, where nothing can be written; ``only_asking``: and each query is limited."""
        if self.writer.dialect.name == "postgresql":
            forbid_writing(self.writer)
        reader = self.asker if only_asking else self.reader
        return replace(self, reader=reader, writer=reader)


def open_pools(url: URL, clock: Callable[[], datetime], closing: AsyncExitStack) -> Pools:
    """Make the engines of an archive; ``closing`` disposes of them."""
    if url.get_backend_name() == "sqlite":
        reader, writer = sqlite_reader(url, clock), sqlite_writer(url, clock)
    else:
        writer = postgres(url, pool_size=10, max_overflow=10)
        reader = writer.execution_options(isolation_level="AUTOCOMMIT")
    pools = Pools(reader=reader, writer=writer, asker=asking_engine(url, clock))
    for engine in (pools.reader, pools.writer, pools.asker):
        closing.push_async_callback(engine.dispose)
    return pools
