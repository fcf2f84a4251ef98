"""Carry out a recorded request, of whatever kind; after an interruption the next call continues."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, update

from storage.connection import finish_before_cancel
from storage.database import Database
from storage.privacy.barrier import until_known_to_all
from storage.privacy.erasure import sweep
from storage.privacy.forgotten_words import merge_search_index
from storage.privacy.removal import Removal
from storage.sql import NOW

COUNTED = ("messages", "attachments", "reactions", "mentions")
"""The columns of a request that count what was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How many rows a request changed."""

    messages: int = 0  # of the person, emptied
    attachments: int = 0  # of the person, deleted
    reactions: int = 0  # of the person, deleted
    mentions: int = 0  # messages and files of others, and channels, that named the person


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRequest:
    """What a person requested, and how far its removal is."""

    user_hash: str
    tenant_id: str | None  # None: in all present and future tenants
    requested_at: datetime
    swept_at: datetime | None  # when the last row was removed
    completed_at: datetime | None  # when the files of a SQLite archive were clean, too
    removed: Erased

    @property
    def pseudonym(self) -> str:
        """The beginning of the person's pseudonym, to distinguish people."""
        return self.user_hash[:8]


def id_of_request(*parts: str) -> str:
    """Make an id of what names a request; it reveals nothing of the person."""
    return hashlib.sha256(":".join(parts).encode()).hexdigest()[:32]


async def fulfil(
    db: Database, removal: Removal, *, is_swept: bool, clock: Callable[[], datetime], window: int = 10_000
) -> None:
    """Carry out a recorded request.

    It is not completed while a reader keeps a SQLite file's log from being emptied, nor where the request was made to
    reach further back meanwhile.

    Args:
        db: the archive.
        removal: what the request is about.
        is_swept: whether its rows are removed already.
        clock: returns the current time.
        window: how many messages a transaction searches.
    """
    if not is_swept:
        await until_known_to_all(db)
        await sweep(db, removal, now=clock(), window=window)
        await merge_search_index(db)
        await _reach(db, removal, "swept_at", clock())
    if await db.empty_log():
        await _reach(db, removal, "completed_at", clock())


@finish_before_cancel
async def _reach(db: Database, removal: Removal, name: str, now: datetime) -> None:
    columns = removal.request.c
    changes: dict[str, Any] = {name: NOW, "updated_at": NOW}
    is_reached = and_(removal.is_unchanged(), columns[name].is_(None))
    reaching = update(removal.request).where(is_reached).values(changes)
    async with db.writing() as connection:
        await connection.execute(reaching, removal.as_values(now))
