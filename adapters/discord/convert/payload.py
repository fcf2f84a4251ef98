"""Read payloads without trusting them: a value that is not of the expected shape counts as absent."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import discord

Payload: TypeAlias = Mapping[str, Any]

_LARGEST_ID = 2**63 - 1
_EMPTY: Payload = {}


def as_object(value: object) -> Payload:
    """Return an object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else _EMPTY


def as_objects(value: object) -> list[Payload]:
    """Return the objects of a list, without what is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def snowflake(value: object) -> str | None:
    """Return an id as text, or None where the value is none."""
    if isinstance(value, str):
        return value if value.isascii() and value.isdigit() else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def snowflakes(value: object) -> list[str]:
    """Return the ids of a list."""
    return [i for i in map(snowflake, value) if i] if isinstance(value, list) else []


def as_int(value: object) -> int | None:
    """Return a whole number, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def as_text(value: object) -> str | None:
    """Return a text, or None."""
    return value if isinstance(value, str) else None


def readable(text: str) -> str:
    """Return a text without what no database holds: NUL characters go, lone surrogates become "?"."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def timestamp(value: object) -> datetime | None:
    """Return an ISO 8601 time as UTC, or None where it is absent or unreadable."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)


def snowflake_time(snowflake: str) -> datetime:
    """Return when an id was made; one beyond 63 bits counts as the largest there is."""
    return discord.utils.snowflake_time(min(int(snowflake), _LARGEST_ID))


def last_id_before(when: datetime) -> str:
    """Return the last id before the millisecond of a time, at least "0"."""
    # From the middle of the millisecond: the library reckons in floats, which may fall just short of a whole one.
    middle = when.replace(microsecond=when.microsecond // 1000 * 1000 + 500)
    return str(max(0, discord.utils.time_snowflake(middle) - 1))


def without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that carry something: no null, false or empty ones; zero is kept."""
    return {
        key: value
        for key, value in fields.items()
        if value is not None and value is not False and value != "" and value != [] and value != {}
    }
