"""The formats by name, and how an export is cut into files."""

from dataclasses import dataclass
from enum import StrEnum

from bot.export.csv_files import CsvWriter
from bot.export.dce import DceWriter
from bot.export.jsonl import JsonlWriter
from bot.export.parquet import ParquetWriter
from bot.export.writers import MakeWriter


class ExportFormat(StrEnum):
    """What files are written as."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    DCE_JSON = "dce-json"
    HTML = "html"  # a folder of pages, which the package html_export writes; it has no writer of single files


class Split(StrEnum):
    """What a file holds."""

    CHANNEL = "channel"  # one channel or thread
    DAY = "day"  # one day (UTC) of one channel or thread
    NONE = "none"  # everything


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a format is written, and what its files are called."""

    make: MakeWriter
    suffix: str
    content_type: str
    is_of_one_channel: bool = False


FORMATS = {
    ExportFormat.JSONL: Format(make=JsonlWriter, suffix="jsonl", content_type="application/x-ndjson"),
    ExportFormat.CSV: Format(make=CsvWriter, suffix="csv", content_type="text/csv"),
    ExportFormat.PARQUET: Format(make=ParquetWriter, suffix="parquet", content_type="application/vnd.apache.parquet"),
    ExportFormat.DCE_JSON: Format(
        make=DceWriter, suffix="json", content_type="application/json", is_of_one_channel=True
    ),
}
