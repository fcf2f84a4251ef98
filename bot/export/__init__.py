"""Taking messages along: formats, the folder that an export is written to, and the stream that is sent."""

from bot.export.dce import NotOneChannel
from bot.export.folder import ExportFolder, ExportOrder
from bot.export.folder_lock import FolderRefused, locked_folder
from bot.export.formats import FORMATS, ExportFormat, Split
from bot.export.jsonl import IncompleteExport, read_jsonl
from bot.export.parquet import FormatUnavailable
from bot.export.stream import stream_export
from bot.export.walk import ExportProgress, FolderExport

__all__ = [
    "FORMATS",
    "ExportFolder",
    "ExportFormat",
    "ExportOrder",
    "ExportProgress",
    "FolderExport",
    "FolderRefused",
    "FormatUnavailable",
    "IncompleteExport",
    "NotOneChannel",
    "Split",
    "locked_folder",
    "read_jsonl",
    "stream_export",
]
