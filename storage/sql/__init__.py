"""SQL that both databases speak: column types, JSON, upserts, rows."""

from storage.sql.json_rows import (
    json_elements,
    json_parameter,
    json_rows,
    json_table,
    postgres_upsert,
    sqlite_upsert,
    types_of,
)
from storage.sql.json_text import (
    as_plain,
    clean,
    clean_text,
    dump_json,
    is_clean,
)
from storage.sql.rows import (
    all_rows,
    fields_of,
    one_row,
)
from storage.sql.types import (
    Id,
    JsonObject,
    RowId,
    UtcDateTime,
    utc_text,
)
from storage.sql.upsert import (
    INSERT,
    Inserter,
    differs,
)

__all__ = [
    "INSERT",
    "Id",
    "Inserter",
    "JsonObject",
    "RowId",
    "UtcDateTime",
    "all_rows",
    "as_plain",
    "clean",
    "clean_text",
    "differs",
    "dump_json",
    "fields_of",
    "is_clean",
    "json_elements",
    "json_parameter",
    "json_rows",
    "json_table",
    "one_row",
    "postgres_upsert",
    "sqlite_upsert",
    "types_of",
    "utc_text",
]
