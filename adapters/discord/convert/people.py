"""The users in a page's messages, each read once: who writes, writes often, and is sent as the same bytes each time."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from msgspec import Raw

from adapters.discord.convert.names import Names, names_of
from adapters.discord.convert.payload import as_object, snowflake
from adapters.discord.convert.typed import plain

_CACHED = 4096


@dataclass(frozen=True, slots=True)
class Person:
    """What is read of a user object."""

    user_id: str | None
    is_bot: bool
    is_system: bool
    has_member: bool  # whether nicknames may stand beside it
    names: Names


NOBODY: list[Person] = []


def person(sent: Raw) -> Person:
    """Read a user object as it was sent."""
    return _person(bytes(sent))


@lru_cache(maxsize=_CACHED)
def _person(sent: bytes) -> Person:
    user = as_object(plain(Raw(sent)))
    return Person(
        user_id=snowflake(user.get("id")),
        is_bot=bool(user.get("bot")),
        is_system=bool(user.get("system")),
        has_member=bool(user.get("member")),
        names=names_of([user]),
    )


def names_of_all(people: Iterable[Person]) -> Names:
    """Index the names of several; where two share a name the first keeps it."""
    owners: dict[str, str] = {}
    for one in people:
        for name, user_id in one.names.owners.items():
            owners.setdefault(name, user_id)
    return Names(owners)
