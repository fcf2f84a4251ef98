"""An archive on which something else is done around each transaction that writes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import Database


class Stepped:
    """Lends the connections of an archive; what is done in between is for subclasses to say."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.written = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.db, name)

    @property
    def as_database(self) -> Database:
        """What the functions of the archive take."""
        return cast("Database", self)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        async with self.db.writing() as connection:
            yield connection
            await self.before_commit()
        self.written += 1
        await self.after_commit()

    async def before_commit(self) -> None:
        """Do nothing."""

    async def after_commit(self) -> None:
        """Do nothing."""
