"""Reading a request's path and query as Discord does, with its 400 for what it does not take."""

import re
from datetime import UTC, datetime

from aiohttp import web

from adapters.discord.simulator.responses import invalid_form

SNOWFLAKE = re.compile(r"[0-9]{1,20}")


def snowflake(text: str, field: str) -> int:
    """Return an id."""
    if not SNOWFLAKE.fullmatch(text) or int(text) >= 1 << 64:
        raise invalid_form(field, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


def path_id(request: web.Request, field: str) -> int:
    """Return an id in the path."""
    return snowflake(request.match_info[field], field)


def query_id(request: web.Request, field: str) -> int | None:
    """Return an id in the query, None where it is not given."""
    text = request.query.get(field)
    return None if text is None else snowflake(text, field)


def query_int(request: web.Request, field: str, *, default: int, least: int, most: int) -> int:
    """Return a whole number within bounds."""
    text = request.query.get(field)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise invalid_form(field, "NUMBER_TYPE_COERCE", f'Value "{text}" is not int.') from None
    if value < least:
        raise invalid_form(field, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {least}.")
    if value > most:
        raise invalid_form(field, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
    return value


def query_bool(request: web.Request, field: str) -> bool:
    """Return a flag; absent is false."""
    text = request.query.get(field, "false").lower()
    if text not in ("true", "false", "1", "0"):
        raise invalid_form(field, "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
    return text in ("true", "1")


def query_time(request: web.Request, field: str) -> datetime | None:
    """Return an ISO 8601 time; one without an offset is taken as UTC."""
    text = request.query.get(field)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise invalid_form(field, "DATE_TIME_TYPE_PARSE", f"Could not parse {text}. Should be ISO8601.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def anchor(request: web.Request) -> tuple[str | None, int | None]:
    """Return which of before, after and around is given, and its id. They exclude each other."""
    given = [name for name in ("around", "before", "after") if name in request.query]
    if len(given) > 1:
        raise invalid_form(given[1], "MUTUALLY_EXCLUSIVE", "Only one of before, after and around may be given.")
    return (given[0], query_id(request, given[0])) if given else (None, None)
