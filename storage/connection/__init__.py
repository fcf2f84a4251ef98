"""Reaching a database: engines, the file lock, the drivers' errors, cancelled calls, a look from outside."""

from storage.connection.asking import (
    lend_limited,
)
from storage.connection.backups import (
    copy_archive,
    suffix_of_copy,
)
from storage.connection.cancellation import (
    finish_before_cancel,
)
from storage.connection.driver_errors import (
    from_sqlstate,
    translated,
)
from storage.connection.engines import (
    postgres,
)
from storage.connection.file_lock import (
    FileLock,
)
from storage.connection.files import (
    file_id,
    make_private_folder,
)
from storage.connection.inspection import (
    DatabaseState,
    KnownTenant,
    inspect_database,
    require_archive,
)
from storage.connection.log_emptying import (
    empty_log,
)
from storage.connection.numbering_turn import (
    take_numbering_turn,
)
from storage.connection.pools import (
    Pools,
    open_pools,
)
from storage.connection.readable import (
    Readable,
)
from storage.connection.schema import (
    migrate_file,
    migrate_server,
)
from storage.connection.server import (
    UNFINISHED_MOVE,
    check_server,
    check_sessions,
    is_unfinished,
)
from storage.connection.snapshots import (
    lend_snapshot,
)
from storage.connection.sockets import (
    OpenSockets,
)
from storage.connection.urls import (
    archive_name,
    parse_url,
    secrets_of_url,
    sqlite_path,
)
from storage.connection.write_health import (
    WriteHealth,
)

__all__ = [
    "UNFINISHED_MOVE",
    "DatabaseState",
    "FileLock",
    "KnownTenant",
    "OpenSockets",
    "Pools",
    "Readable",
    "WriteHealth",
    "archive_name",
    "check_server",
    "check_sessions",
    "copy_archive",
    "empty_log",
    "file_id",
    "finish_before_cancel",
    "from_sqlstate",
    "inspect_database",
    "is_unfinished",
    "lend_limited",
    "lend_snapshot",
    "make_private_folder",
    "migrate_file",
    "migrate_server",
    "open_pools",
    "parse_url",
    "postgres",
    "require_archive",
    "secrets_of_url",
    "sqlite_path",
    "suffix_of_copy",
    "take_numbering_turn",
    "translated",
]
