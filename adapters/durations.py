"""Lengths of time as people write them, with their unit: "90 s", "5 min", "1 h", "30 d". A bare number is seconds."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_UNITS = {"s": timedelta(seconds=1), "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_WRITTEN = re.compile(rf"([0-9]+(?:\.[0-9]+)?) *({'|'.join(_UNITS)})?")
_WRONG = 'must be a length of time with its unit, such as "90 s", "5 min", "1 h" or "30 d"; a bare number is seconds'


def parse_duration(value: object) -> timedelta:
    """Read a length of time.

    Raises:
        ValueError: says how one is written.
    """
    if isinstance(value, timedelta):
        return value
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    written = _WRITTEN.fullmatch(text.strip()) if isinstance(text, str) else None
    if written is None:
        raise ValueError(_WRONG)
    try:
        return float(written[1]) * _UNITS[written[2] or "s"]
    except OverflowError as e:
        raise ValueError(_WRONG) from e


def format_duration(value: timedelta) -> str:
    """Write a length of time in the largest unit of which it is a whole number."""
    unit, length = next((u, n) for u, n in reversed(_UNITS.items()) if not value % n or u == "s")
    return f"{value / length:g} {unit}" if value else "0 s"


def between(least: str, most: str) -> AfterValidator:
    """Refuse lengths of time out of these bounds."""

    def check(value: timedelta) -> timedelta:
        if not parse_duration(least) <= value <= parse_duration(most):
            raise ValueError(f"must be from {least} to {most}, not {format_duration(value)}")
        return value

    return AfterValidator(check)


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str, when_used="json")
]
