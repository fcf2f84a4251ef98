"""The files of an export of pages: rendered beside the event loop, written beside their place and renamed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.export import ExportFolder, ExportProgress
from bot.html_export.rendering import PageRenderer


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFiles:
    """Writes the files of one attempt, and tells how far it is."""

    folder: ExportFolder
    renderer: PageRenderer
    progress: ExportProgress
    on_progress: Callable[[ExportProgress], None]

    def holds(self, name: str) -> bool:
        """Return whether a file is there, whole."""
        return self.folder.holds(name)

    async def write(self, name: str, template: str, *, messages: int = 0, **context: object) -> None:
        """Render a page that shows so many messages, and put it to its place."""
        await asyncio.to_thread(self._write, name, template, messages, context)
        self.progress.messages += messages
        self.progress.files += 1
        self.on_progress(self.progress)

    def copy(self, name: str, body: bytes) -> None:
        """Put a file to its place that every page needs."""
        with self.folder.file(name) as file:
            file.write(body)

    def _write(self, name: str, template: str, messages: int, context: dict[str, object]) -> None:
        body = self.renderer.page(template, messages=messages, **context)
        with self.folder.file(name) as file:
            file.write(body)
