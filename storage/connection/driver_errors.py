"""From the drivers' errors to the ones that say what to do. Classified by code, never by message text."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import errors

_BY_SQLITE_CODE: dict[int, type[errors.StorageError]] = {
    sqlite3.SQLITE_BUSY: errors.DatabaseBusy,
    sqlite3.SQLITE_LOCKED: errors.DatabaseBusy,
    sqlite3.SQLITE_READONLY: errors.DatabaseReadOnly,
    sqlite3.SQLITE_PERM: errors.DatabaseReadOnly,
    sqlite3.SQLITE_FULL: errors.DatabaseFull,
    sqlite3.SQLITE_IOERR: errors.DatabaseUnreachable,
    sqlite3.SQLITE_CANTOPEN: errors.DatabaseUnreachable,
    sqlite3.SQLITE_CORRUPT: errors.DatabaseDamaged,
    sqlite3.SQLITE_NOTADB: errors.DatabaseDamaged,
    sqlite3.SQLITE_TOOBIG: errors.ValueRefused,
    sqlite3.SQLITE_MISMATCH: errors.ValueRefused,
}

_REFUSED_BY_A_RULE = (sqlite3.SQLITE_CONSTRAINT_NOTNULL, sqlite3.SQLITE_CONSTRAINT_CHECK)

# https://www.postgresql.org/docs/current/errcodes-appendix.html; the longest prefix wins
_BY_SQLSTATE: dict[str, type[errors.StorageError]] = {
    "22": errors.ValueRefused,
    "23502": errors.ValueRefused,  # a null, or a failed check; not a missing referenced row
    "23514": errors.ValueRefused,
    "54": errors.ValueRefused,  # too large for a row or an index
    "08": errors.DatabaseUnreachable,
    "25006": errors.DatabaseReadOnly,
    "25P03": errors.DatabaseUnreachable,  # the process stood still for too long; the server has closed the connection
    "28": errors.DatabaseUnreachable,
    "3D000": errors.DatabaseUnreachable,
    "40": errors.DatabaseBusy,
    "42501": errors.DatabaseReadOnly,
    "53": errors.DatabaseUnreachable,
    "53100": errors.DatabaseFull,
    "55P03": errors.DatabaseBusy,
    "57014": errors.DatabaseBusy,
    "57P": errors.DatabaseUnreachable,
    "58": errors.DatabaseUnreachable,
    "XX001": errors.DatabaseDamaged,
    "XX002": errors.DatabaseDamaged,
}

_BY_ERRNO: dict[int | None, type[errors.StorageError]] = {
    errno.EACCES: errors.DatabaseReadOnly,
    errno.EPERM: errors.DatabaseReadOnly,
    errno.EROFS: errors.DatabaseReadOnly,
    errno.ENOSPC: errors.DatabaseFull,
    errno.EDQUOT: errors.DatabaseFull,
}

_WRONG_PATHS = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL)


@contextmanager
def translated() -> Iterator[None]:
    """Turn everything that a driver raises inside into a StorageError.

    An error that can quote the row it refused (a constraint, a bad value) is not chained: tracebacks end up in
    logs, and the row may be a message.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _from_sqlite(error) from error
    except DBAPIError as error:
        raise _from_driver(error) from (None if _may_quote_a_row(error) else error)
    except PoolTimeout as error:
        raise errors.DatabaseBusy("Every connection to the database has been busy for too long.") from error
    except StatementError as error:
        raise errors.ValueRefused(f"A value cannot be stored ({type(error.orig).__name__}).") from None
    except SQLAlchemyError as error:
        raise errors.StorageError(f"{errors.StorageError().args[0]} ({type(error).__name__})") from error
    except (OverflowError, UnicodeError) as error:
        raise errors.ValueRefused(f"A value cannot be stored ({type(error).__name__}).") from None


def from_os_error(error: OSError, what: str) -> errors.StorageError:
    """Say what a failed file operation means for the archive. ``what`` names the file and what was tried."""
    kind = _BY_ERRNO.get(error.errno)
    if kind is None:
        unusable = _file_unusable(f"{what}: {error.strerror}.")
        unusable.needs_a_person = error.errno in _WRONG_PATHS
        return unusable
    return kind(f"{what}: {error.strerror}. {kind().args[0]}")


def from_sqlstate(sqlstate: str) -> errors.StorageError:
    """Say what a PostgreSQL server's error means for the archive."""
    kind = next((_BY_SQLSTATE[p] for n in (5, 3, 2) if (p := sqlstate[:n]) in _BY_SQLSTATE), None)
    return _named(kind, f"SQLSTATE {sqlstate}")


def _file_unusable(what: str) -> errors.StorageError:
    advice = "Check the path in the database URL, the rights on it, and the disk."
    return errors.DatabaseUnreachable(f"{what} {advice}", is_transient=False)


def _from_driver(error: DBAPIError) -> errors.StorageError:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _from_sqlite(cause)
    sqlstate: str | None = getattr(cause, "sqlstate", None)
    if sqlstate is not None:
        return from_sqlstate(sqlstate)
    if isinstance(error, (OperationalError, InterfaceError)) or error.connection_invalidated:
        return errors.DatabaseUnreachable(f"{errors.DatabaseUnreachable().args[0]} ({_first_line(cause)})")
    if error.statement is None:  # while connecting: an option that the driver does not know
        return errors.BadDatabaseUrl(f"The driver refuses the database URL ({_first_line(cause)}).")
    return _named(None, type(cause).__name__)


def _from_sqlite(error: sqlite3.Error) -> errors.StorageError:
    code, name = getattr(error, "sqlite_errorcode", 0), getattr(error, "sqlite_errorname", type(error).__name__)
    kind = errors.ValueRefused if code in _REFUSED_BY_A_RULE else _BY_SQLITE_CODE.get(code & 0xFF)
    if code == sqlite3.SQLITE_CORRUPT_VTAB:  # that of FTS5, which is the only virtual table
        kind = errors.SearchIndexDamaged
    if kind is errors.DatabaseUnreachable:
        return _file_unusable(f"The SQLite file cannot be opened or read ({name}).")
    return _named(kind, name)


def _named(kind: type[errors.StorageError] | None, detail: str) -> errors.StorageError:
    kind = kind or errors.StorageError
    return kind(f"{kind().args[0]} ({detail})")


def _first_line(cause: BaseException | None) -> str:
    """Quote what libpq says of a connection: host, user and database, never a password and never a row."""
    return str(cause).strip().partition("\n")[0]


def _may_quote_a_row(error: DBAPIError) -> bool:
    return isinstance(error, (DataError, IntegrityError))
