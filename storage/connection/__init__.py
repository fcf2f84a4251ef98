"""Reaching a database: engines, the file lock, the drivers' errors, cancelled calls, a look from outside."""

from storage.connection.cancellation import (
    finish_before_cancel,
)
from storage.connection.driver_errors import (
    translated,
)
from storage.connection.engines import (
    postgres,
    sqlite_migrator,
    sqlite_reader,
    sqlite_writer,
)
from storage.connection.file_lock import (
    FileLock,
)
from storage.connection.files import (
    make_private_file,
)
from storage.connection.inspection import (
    DatabaseState,
    KnownTenant,
    inspect_database,
    is_read_only,
)
from storage.connection.urls import (
    parse_url,
    secrets_of_url,
    sqlite_path,
)

__all__ = [
    "DatabaseState",
    "FileLock",
    "KnownTenant",
    "finish_before_cancel",
    "inspect_database",
    "is_read_only",
    "make_private_file",
    "parse_url",
    "postgres",
    "secrets_of_url",
    "sqlite_migrator",
    "sqlite_path",
    "sqlite_reader",
    "sqlite_writer",
    "translated",
]
