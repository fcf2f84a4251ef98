"""What was decided when an archive was begun and must not change under it."""

from sqlalchemy import Connection, Text, bindparam, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import HashChoiceMismatch
from storage.sql import DatabaseTime, insert
from storage.tables import archive_settings

_HASH_CHOICE = "hash_choice"
_CHOICE = bindparam("choice", type_=Text)

# The database's own clock: opening an archive is not part of any run whose time is given.
_RECORD = (
    insert(archive_settings)
    .values(name=_HASH_CHOICE, value=_CHOICE, created_at=DatabaseTime(), updated_at=DatabaseTime())
    .on_conflict_do_nothing(index_elements=["name"])
)
_RECORDED = select(archive_settings.c.value).where(archive_settings.c.name == _HASH_CHOICE)


async def record_hash_choice(connection: AsyncConnection, choice: str) -> None:
    """Record the choice in a new archive; in any other, require it to be the recorded one.

    Raises:
        HashChoiceMismatch: it is not.
    """
    await connection.execute(_RECORD, {"choice": choice})
    require_hash_choice((await connection.execute(_RECORDED)).scalar_one(), choice)


def require_hash_choice(recorded: str, choice: str) -> None:
    """Go on only with the choice that an archive was begun with.

    Raises:
        HashChoiceMismatch: it is another.
    """
    if recorded != choice:
        raise HashChoiceMismatch(_advice(recorded, choice))


def recorded_hash_choice(connection: Connection) -> str | None:
    """Read the choice that an archive was begun with; None where it has not been begun."""
    if not inspect(connection).has_table(archive_settings.name):
        return None
    return connection.execute(_RECORDED).scalar_one_or_none()


def _advice(recorded: str, choice: str) -> str:
    old, new = recorded.partition(":")[0], choice.partition(":")[0]
    if old == new:
        return "The archive was begun with another key for hashing user ids. Give the key it was begun with."
    begun = f"The archive was begun with {old} hashing of user ids, the configuration says {new}."
    if old == "sha256":
        return f"{begun} Unset PLATFORM_SYNC_HASH_KEY, or begin a new archive."
    return f"{begun} Set PLATFORM_SYNC_HASH_KEY to the key it was begun with, or begin a new archive."
