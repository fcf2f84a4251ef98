"""Checking that exported pages are all there, whole and unchanged."""

from pathlib import Path

import orjson

from bot.export import FolderRefused, IncompleteExport
from bot.html_export.plan import read_plan
from bot.html_export.rendering import messages_on

_NOTE = "_export.json"


def verify_page(file: Path) -> int:
    """Return how many messages a page shows.

    Raises:
        IncompleteExport: it is not whole, or was changed.
        OSError: it cannot be read.
    """
    count = messages_on(file.read_bytes())
    if count is None:
        raise IncompleteExport(f"{file}: it is no whole page of an export, or was changed; export it again")
    return count


def verify_folder(path: Path) -> int:
    """Return how many messages a folder of pages shows.

    Raises:
        IncompleteExport: a page is missing, not whole or was changed, or the export was not finished.
        OSError: a page cannot be read.
    """
    try:
        note = orjson.loads((path / _NOTE).read_bytes())
        form, is_complete, messages = note["order"]["format"], note["complete"], note.get("messages")
        plan = read_plan(path)
    except (FileNotFoundError, ValueError, LookupError, TypeError, FolderRefused) as e:
        raise IncompleteExport(f"{path}: it holds no export, or none that can be read") from e
    if form != "html":
        raise IncompleteExport(f"{path}: it holds no export as html; give the files of one as jsonl by their names")
    if is_complete is not True:
        raise IncompleteExport(f"{path}: the export was interrupted; the same command goes on with it")
    count = sum(verify_page(path / name) for name in plan.files())
    if count != messages:
        raise IncompleteExport(f"{path}: it holds {count:,} messages, and was written with {messages}")
    verify_page(path / "index.html")
    return count
