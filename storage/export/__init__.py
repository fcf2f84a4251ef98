"""The door to taking messages along: those of a tenant, or some, as of one instant, with what belongs to them."""

from storage.export.model import ExportedMessage, ExportSelection
from storage.export.snapshot import ArchiveSnapshot, open_snapshot

__all__ = [
    "ArchiveSnapshot",
    "ExportSelection",
    "ExportedMessage",
    "open_snapshot",
]
