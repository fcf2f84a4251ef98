"""Reaching a database: engines, the file lock, the drivers' errors, cancelled calls, a look from outside."""

from storage.connection.cancellation import (
    uninterrupted,
)
from storage.connection.driver_errors import (
    from_os_error,
    translated,
)
from storage.connection.file_lock import (
    FileLock,
)
from storage.connection.inspection import (
    DatabaseState,
    inspect,
)
from storage.connection.known_tenants import (
    KnownTenant,
)
from storage.connection.servers import (
    is_read_only,
)
from storage.connection.urls import (
    parse_url,
    sqlite_path,
)

__all__ = [
    "DatabaseState",
    "FileLock",
    "KnownTenant",
    "from_os_error",
    "inspect",
    "is_read_only",
    "parse_url",
    "sqlite_path",
    "translated",
    "uninterrupted",
]
