"""Read fields of payloads defensively: a value of the wrong type or out of range counts as absent."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, TypeAlias

import discord

Payload: TypeAlias = Mapping[str, Any]

_LARGEST_ID = 2**63 - 1
_LONGEST_ID = 19  # digits
_LARGEST_COUNT = 10**9
_NUMBERS = range(-(2**63), 2**63)
_LONGEST_BITS = 39  # digits of 128 bits
# The latest time accepted; a later one could overflow when an hour is added.
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
_EMPTY: Payload = {}


def as_object(value: object) -> Payload:
    """Return an object, or an empty one in place of anything else."""
    return value if isinstance(value, dict) else _EMPTY


def as_objects(value: object) -> list[Payload]:
    """Return the objects of a list, without what is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def snowflake(value: object) -> str | None:
    """Return an id as text; None unless the value is a number of at most 19 digits without leading zeros."""
    if isinstance(value, str):
        is_number = len(value) <= _LONGEST_ID and value.isdigit() and value.isascii()
        return value if is_number and (value[0] != "0" or value == "0") else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**_LONGEST_ID:
        return str(value)
    return None


def snowflakes(value: object) -> list[str]:
    """Return the ids of a list."""
    return [i for i in map(snowflake, value) if i] if isinstance(value, list) else []


def as_int(value: object) -> int | None:
    """Return an integer of 64 bits, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value in _NUMBERS else None


def as_size(value: object) -> int | None:
    """Return a non-negative integer of 63 bits, or None."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def as_count(value: object) -> int:
    """Return a count: 0 where the value is no number, at most 10^9 so that counts can be added."""
    return min(max(value, 0), _LARGEST_COUNT) if isinstance(value, int) and not isinstance(value, bool) else 0


def as_real(value: object) -> float | None:
    """Return a finite number, or None."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    return as_int(value)


def as_bits(value: object) -> int:
    """Return flags or permissions, which are sent as a number or as its digits; 0 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST_BITS:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def as_time_text(value: object) -> str | None:
    """Return the text of a time unchanged; None where it is absent or cannot be parsed."""
    return value if isinstance(value, str) and timestamp(value) else None


def readable(text: str) -> str:
    """Make a text storable in any database: remove NUL characters, replace lone surrogates by "?"."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def timestamp(value: object) -> datetime | None:
    """Return an ISO 8601 time as UTC, or None where it is absent or unreadable."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is not UTC:
            found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if found <= _LATEST else None


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
