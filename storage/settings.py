"""What was decided when an archive was begun and must not change under it."""

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import HashChoiceMismatch
from storage.sql import INSERT
from storage.tables import archive_settings

_HASH_CHOICE = "hash_choice"

# The database's own clock: opening an archive is not part of any run whose time is given.
_NOW = {"sqlite": func.strftime("%Y-%m-%d %H:%M:%f000+00:00", "now"), "postgresql": func.now()}

_RECORD = {
    dialect: insert(archive_settings).on_conflict_do_nothing(index_elements=["name"])
    for dialect, insert in INSERT.items()
}
_RECORDED = select(archive_settings.c.value).where(archive_settings.c.name == _HASH_CHOICE)


async def record_hash_choice(connection: AsyncConnection, choice: str) -> None:
    """Record the choice in a new archive; in any other, insist that it is the recorded one.

    Raises:
        HashChoiceMismatch: it is not.
    """
    now = _NOW[connection.dialect.name]
    row = {"name": _HASH_CHOICE, "value": choice, "created_at": now, "updated_at": now}
    await connection.execute(_RECORD[connection.dialect.name].values(row))
    require_hash_choice((await connection.execute(_RECORDED)).scalar_one(), choice)


def require_hash_choice(recorded: str, choice: str) -> None:
    """Go on only with the choice that an archive was begun with.

    Raises:
        HashChoiceMismatch: it is another.
    """
    if recorded != choice:
        raise HashChoiceMismatch(_advice(recorded, choice))


def recorded_hash_choice(connection: Connection) -> str | None:
    """The choice that an archive was begun with; None where it has not been begun."""
    if not inspect(connection).has_table(archive_settings.name):
        return None
    return connection.execute(_RECORDED).scalar_one_or_none()


def _advice(recorded: str, choice: str) -> str:
    old, new = recorded.partition(":")[0], choice.partition(":")[0]
    if old == new:
        return "The archive was begun with another key for hashing user ids. Give the key it was begun with."
    begun = f"The archive was begun with {old} hashing of user ids, the configuration asks for {new}."
    if old == "sha256":
        return f"{begun} Unset PLATFORM_SYNC_HASH_KEY, or begin a new archive."
    return f"{begun} Set PLATFORM_SYNC_HASH_KEY to the key it was begun with, or begin a new archive."
