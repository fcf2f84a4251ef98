"""SQL that both databases speak: column types, JSON, upserts, rows."""

from sqlalchemy.dialects.postgresql import Insert, insert  # of both databases: see upsert

from storage.sql.functions import (
    SQLITE_CLOCK,
    DatabaseTime,
    DayOf,
    HourOf,
    JsonMerged,
    PositionOf,
    TextAsJson,
    json_as_text,
)
from storage.sql.json_rows import json_objects, json_strings, types_of
from storage.sql.json_text import as_plain, clean, clean_text, dump_json, is_clean
from storage.sql.keys import as_keys, delete_by_key, joined_by_key
from storage.sql.leases import has_run_out, is_held
from storage.sql.params import (
    AFTER_ID,
    CHANNEL_ID,
    CHANNEL_PLATFORM_ID,
    JOB_ID,
    LIMIT,
    MESSAGE_PLATFORM_ID,
    NOW,
    PLATFORM,
    RANGE_ID,
    TENANT_ID,
    TENANT_IDS,
    USER_HASH,
)
from storage.sql.rows import AT_ONCE, all_rows, fields_of, one_row, rows_in_slices
from storage.sql.types import Id, JsonObject, RowId, UtcDateTime, utc_text
from storage.sql.upsert import (
    differs,
    insert_parameters,
    insert_rows,
    sqlite_text,
    update_changed,
)

__all__ = [
    "AFTER_ID",
    "AT_ONCE",
    "CHANNEL_ID",
    "CHANNEL_PLATFORM_ID",
    "JOB_ID",
    "LIMIT",
    "MESSAGE_PLATFORM_ID",
    "NOW",
    "PLATFORM",
    "RANGE_ID",
    "SQLITE_CLOCK",
    "TENANT_ID",
    "TENANT_IDS",
    "USER_HASH",
    "DatabaseTime",
    "DayOf",
    "HourOf",
    "Id",
    "Insert",
    "JsonMerged",
    "JsonObject",
    "PositionOf",
    "RowId",
    "TextAsJson",
    "UtcDateTime",
    "all_rows",
    "as_keys",
    "as_plain",
    "clean",
    "clean_text",
    "delete_by_key",
    "differs",
    "dump_json",
    "fields_of",
    "has_run_out",
    "insert",
    "insert_parameters",
    "insert_rows",
    "is_clean",
    "is_held",
    "joined_by_key",
    "json_as_text",
    "json_objects",
    "json_strings",
    "one_row",
    "rows_in_slices",
    "sqlite_text",
    "types_of",
    "update_changed",
    "utc_text",
]
