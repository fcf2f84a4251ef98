"""What can go wrong with the archive, named by what the operator or the caller has to do about it.

No message holds archived text, a bound parameter or a password.
"""

from typing import ClassVar


class StorageError(Exception):
    """The database refused what was asked of it. This is a fault of the program; please report it."""

    code: ClassVar[str] = "storage_error"
    is_transient: bool = False  # whether the same call may succeed later without anybody's help

    def __init__(self, message: str | None = None, *, is_transient: bool | None = None) -> None:
        super().__init__(message or " ".join((self.__doc__ or "").split()))
        if is_transient is not None:
            self.is_transient = is_transient


class DatabaseUnreachable(StorageError):
    """The database does not answer. Check that it runs, its address, and the user and password in the URL."""

    code = "database_unreachable"
    is_transient = True


class DatabaseBusy(StorageError):
    """Another transaction is in the way. The same call can be made again."""

    code = "database_busy"
    is_transient = True


class DatabaseReadOnly(StorageError):
    """The database cannot be written. Check the rights on the file and its folder, or on the server the role's
    grants and whether it is a standby."""

    code = "database_read_only"


class DatabaseFull(StorageError):
    """The disk that holds the database is full. Nothing committed is lost; make room and the next sync resumes."""

    code = "database_full"
    is_transient = True


class DatabaseDamaged(StorageError):
    """The file is not a usable SQLite database. Stop the daemon and restore the file from a backup."""

    code = "database_damaged"


class DatabaseTooNew(StorageError):
    """The database was written by a newer version of this program. Install that version, or a later one."""

    code = "database_too_new"


class DatabaseInUse(StorageError):
    """Another process works on this SQLite archive. Only one can: stop the other one first."""

    code = "database_in_use"


class DatabaseUnsuitable(StorageError):
    """The database cannot hold what people write. Create a PostgreSQL database with ENCODING 'UTF8'."""

    code = "database_unsuitable"


class HashChoiceMismatch(StorageError):
    """The archive was begun with another way of hashing user ids than the one configured now."""

    code = "hash_choice_mismatch"


class BadDatabaseUrl(StorageError):
    """The database URL (database.url) is not one of sqlite+aiosqlite:///<path> and postgresql+psycopg://<user>@<host>/<name>."""

    code = "bad_database_url"


class UnknownTenant(StorageError):
    """No such tenant is stored."""

    code = "unknown_tenant"


class LeaseLost(StorageError):
    """The job is no longer this worker's: it was taken over, or ended. Stop working on it; nothing was written."""

    code = "lease_lost"
