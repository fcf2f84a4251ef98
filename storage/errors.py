"""What can go wrong with the archive, named by what the operator or the caller has to do about it.

No message holds archived text, a bound parameter or a password.
"""

from typing import ClassVar


class StorageError(Exception):
    """The database refused a statement. This is a fault of the program; please report it."""

    code: ClassVar[str] = "storage_error"
    remedy: ClassVar[str] = "Please report it, with the log around it."  # what the operator can do
    is_transient: bool = False  # whether the same call may succeed later without anybody's help
    needs_a_person: bool = False  # whether only a change of the configuration helps, and no restart

    def __init__(self, message: str | None = None, *, is_transient: bool | None = None) -> None:
        super().__init__(message or " ".join((self.__doc__ or "").split()))
        if is_transient is not None:
            self.is_transient = is_transient


class ValueRefused(StorageError):
    """The database cannot hold a value. The message or channel with it is set aside; everything else is stored."""

    code = "value_refused"
    remedy = "Please report it, with the log around it; nothing else is held up by it."


class DatabaseUnreachable(StorageError):
    """The database does not answer. Check that it runs, its address, and the user and password in the URL."""

    code = "database_unreachable"
    remedy = "Check that the database runs, its address, and the user and password in database.url."
    is_transient = True


class DatabaseBusy(StorageError):
    """Another transaction is in the way. The same call can be made again."""

    code = "database_busy"
    remedy = "Wait and try again; if it lasts, end the tool that keeps a transaction open on the database."
    is_transient = True


class QueryTooLong(StorageError):
    """The query was cut off because it took too long. Ask for less: a shorter time, one channel, a rarer word."""

    code = "query_too_long"
    remedy = "Ask for less: a shorter time, one channel, a rarer word."


class BackupFailed(StorageError):
    """The archive could not be copied."""

    code = "backup_failed"
    remedy = "See what the message names; the archive itself was only read."


class DatabaseReadOnly(StorageError):
    """The database cannot be written. Check the rights on the file and its folder, or on the server the role's
    grants and whether it is a standby."""

    code = "database_read_only"
    remedy = (
        "Grant the right to write to the file and its folder, or on the server to the role; a standby cannot be used."
    )


class DatabaseFull(StorageError):
    """The disk that holds the database is full. Nothing committed is lost; make room and the next sync resumes."""

    code = "database_full"
    remedy = "Make room on the disk that holds the database; the next sync resumes."
    is_transient = True


class DatabaseDamaged(StorageError):
    """The file is not a usable SQLite database. Stop the daemon and restore the file from a backup."""

    code = "database_damaged"
    needs_a_person = True
    remedy = "Stop the daemon and restore the file from a backup."


class SearchIndexDamaged(StorageError):
    """The index for searching is damaged; the archive itself may well be whole. Start once with [search] enabled =
    false, which drops the index, and then as before: it is made anew."""

    code = "search_index_damaged"
    needs_a_person = True
    remedy = "Start once with [search] enabled = false, which drops the index, and then as before: it is made anew."


class DatabaseTooNew(StorageError):
    """The database was written by a newer version of this program. Install that version, or a later one."""

    code = "database_too_new"
    needs_a_person = True
    remedy = "Install the version that wrote the database, or a later one."


class DatabaseTooOld(StorageError):
    """This archive was made by a version before the first release, whose tables were others, and cannot be brought
    along. Begin a new one under another name; the next sync reads again what the platform still has."""

    code = "database_too_old"
    needs_a_person = True
    remedy = "Set database.url to a new archive; the next sync reads again what the platform still has."


class DatabaseInUse(StorageError):
    """Another process works on this SQLite archive. Only one can: stop the other one first."""

    code = "database_in_use"
    remedy = "Stop the other process that works on this file."


class DatabaseUnsuitable(StorageError):
    """The database cannot hold what people write. Create a PostgreSQL database with ENCODING 'UTF8'."""

    code = "database_unsuitable"
    needs_a_person = True
    remedy = "Create a PostgreSQL database with ENCODING 'UTF8'."


class SessionsShared(StorageError):
    """The pooler before PostgreSQL lends sessions for a transaction each, so that statements and settings of one
    connection would meet those of another. Let it pool whole sessions (PgBouncer: pool_mode = session), or connect
    past it."""

    code = "sessions_shared"
    needs_a_person = True
    remedy = "Set PgBouncer's pool_mode to session, or let database.url lead past it."


class NoArchive(StorageError):
    """There is no archive of this version. Run the daemon or 'migrate' once."""

    code = "no_archive"
    remedy = "Give the configuration that the daemon runs with, or run it once."


class UnfinishedMove(StorageError):
    """An archive is being moved to this database, and the move is not complete. Run the same 'move' command again to
    complete it, or set database.url back to the archive that is moved."""

    code = "unfinished_move"
    needs_a_person = True
    remedy = "Run the same 'move' command again, or set database.url back to the archive that is moved."


class HashChoiceMismatch(StorageError):
    """The archive was begun with another way of hashing user ids than the one configured now."""

    code = "hash_choice_mismatch"
    needs_a_person = True
    remedy = "Set PLATFORM_SYNC_HASH_KEY as it was when the archive was begun, or begin a new archive."


class BadDatabaseUrl(StorageError):
    """The database URL (database.url) is not one of sqlite+aiosqlite:///<path> and postgresql+psycopg://<user>@<host>/<name>."""

    code = "bad_database_url"
    needs_a_person = True
    remedy = "Set database.url to sqlite+aiosqlite:///<path> or postgresql+psycopg://<user>@<host>/<name>."


class SearchUnavailable(StorageError):
    """This database cannot keep the index for searching that is configured."""

    code = "search_unavailable"
    remedy = 'Set search.index to "words", or search.enabled to false; or install what the message names.'


class UnknownTenant(StorageError):
    """No such tenant is stored."""

    code = "unknown_tenant"
    remedy = "Look the tenant up in the list of tenants, or create it."


class UnknownChannel(StorageError):
    """No such channel is stored."""

    code = "unknown_channel"
    remedy = "Look the channel up in the list of the tenant's channels."


class TenantStopped(StorageError):
    """The syncs of this tenant are stopped by its administrator. Resume it before requesting one."""

    code = "tenant_stopped"
    remedy = "Resume the tenant, then request it again."


class LeaseLost(StorageError):
    """The job is no longer this worker's: it was taken over, or ended. Stop working on it; nothing was written."""

    code = "lease_lost"
    remedy = "Nothing need be done: the worker that has the job goes on from its checkpoints."


class LeadershipLost(StorageError):
    """Another process writes these live events now. Nothing was written."""

    code = "leadership_lost"
    remedy = "Nothing need be done: the process that leads writes them, or reads what it did not receive."


class ChannelSkipped(StorageError):
    """The channel was hidden or deleted while it was read. Nothing of the batch was written."""

    code = "channel_skipped"
    remedy = "Nothing need be done: a listing that shows it again has it read."
