"""What a format's writer does, and what it is told at its beginning."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from storage.export import ExportedMessage, ExportSelection
from storage.reading import ShownChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What an export is of; ``channel`` is None where its file may hold messages of several."""

    tenant_id: str
    tenant_name: str | None
    taken_at: datetime
    content_before: datetime | None  # of messages sent before, nothing that they said is kept
    selection: ExportSelection
    channel: ShownChannel | None


class ExportWriter(Protocol):
    """Writes one file of a format, from its first byte to its last."""

    def write(self, messages: Sequence[ExportedMessage]) -> None:
        """Append messages."""

    def finish(self) -> None:
        """Write what makes the file a whole one; the sink is not closed."""

    def abandon(self) -> None:
        """Write nothing more, in place of finishing; what the writers do that hold nothing back is nothing."""


class MakeWriter(Protocol):
    """Begins a file of a format."""

    def __call__(self, sink: BinaryIO, facts: ExportFacts) -> ExportWriter:
        """Return the file's writer."""
