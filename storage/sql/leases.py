"""When a right for a short time has run out: by the database's clock, which the processes share.

A lease that lasts longer than any can is void, too: the clock was set back, and its owner may be gone.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, literal, or_

from storage.sql.functions import DatabaseTime

_BEYOND_SECONDS = 600.0


def _is_beyond(until: ColumnElement[datetime | None]) -> ColumnElement[bool]:
    """SQL condition: a time is later than any lease can last."""
    return until > DatabaseTime(literal(_BEYOND_SECONDS))


def has_run_out(until: ColumnElement[datetime | None]) -> ColumnElement[bool]:
    """SQL condition: a lease is over, or was never given (null)."""
    return or_(until.is_(None), until <= DatabaseTime(), _is_beyond(until))


def is_held(until: ColumnElement[datetime | None]) -> ColumnElement[bool]:
    """SQL condition: a lease lasts."""
    return and_(until > DatabaseTime(), ~_is_beyond(until))
