"""Reading a payload without trusting it: what is not of the expected shape is as if it were absent."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Payload: TypeAlias = Mapping[str, Any]
HashUser: TypeAlias = Callable[[str], str]
"""From a user's id to the hash that stands for it."""

_DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_EMPTY: Payload = {}


def as_object(value: object) -> Payload:
    """The object, or an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def as_objects(value: object) -> list[Payload]:
    """The objects of a list, without what is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def snowflake(value: object) -> str | None:
    """A snowflake as text, or None."""
    if isinstance(value, str):
        return value if value.isascii() and value.isdigit() else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def snowflakes(value: object) -> list[str]:
    """The snowflakes of a list."""
    return [i for i in map(snowflake, value) if i] if isinstance(value, list) else []


def number(value: object) -> int | None:
    """A whole number, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: object) -> str | None:
    """A text, or None."""
    return value if isinstance(value, str) else None


def timestamp(value: object) -> datetime | None:
    """An ISO 8601 time as UTC, or None where it is absent or unreadable."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def snowflake_time(snowflake: str) -> datetime:
    """When an id was made. https://discord.com/developers/docs/reference#snowflakes"""
    return _DISCORD_EPOCH + timedelta(milliseconds=min(int(snowflake), 2**63 - 1) >> 22)


def snowflake_before(when: datetime) -> str:
    """The last id before the millisecond of a moment."""
    milliseconds = (when - _DISCORD_EPOCH) // timedelta(milliseconds=1)
    return str(max(0, (milliseconds << 22) - 1))


def compact(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something: without null, false and empty ones; zero says something."""
    return {
        key: value
        for key, value in fields.items()
        if value is not None and value is not False and value != "" and value != [] and value != {}
    }
