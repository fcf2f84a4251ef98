"""The folder of an export: its files, whole ones only, and a note by which an interrupted export goes on.

A file is written beside its place and renamed when it is whole, so that what is there is whole. Folders are the
owner's alone (0700), and files, too (0600).
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from bot.export.folder_lock import FolderRefused
from bot.export.formats import ExportFormat, Split
from storage.export import ExportSelection
from storage.reading import ShownChannel

_NOTE = "_export.json"  # what reads a folder of Parquet files passes over names that begin so
_PART = ".part"  # of a file that is being written, or was when the process was killed
_LONGEST_NAME = 120  # bytes; file systems take 255, of which the id, the suffix and what marks a part need some
_UNFIT = re.compile(r"[^\w-]+")
_NAMED = re.compile(r"(?P<name>[\w-]+\.(?P<id>[^.]+))(?:\.[a-z]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOrder:
    """What is to be exported, and how."""

    selection: ExportSelection
    format: ExportFormat
    split: Split

    def as_note(self) -> dict[str, Any]:
        """Return it as it is noted in the folder."""
        chosen = self.selection
        times = {
            name: at.isoformat() if at else None for name, at in (("since", chosen.since), ("until", chosen.until))
        }
        rest = {"channels": sorted(chosen.channels), "author": chosen.author, "include_deleted": chosen.include_deleted}
        return {"tenant_id": chosen.tenant_id, "format": self.format, "split": self.split, **times, **rest}


class ExportFolder:
    """A folder that one order is written to, and that is locked meanwhile.

    Its note says of when each attempt was (``taken_at``): files that an earlier one wrote are as of then.
    """

    def __init__(self, path: Path, order: ExportOrder) -> None:
        self._path, self._order = path, order
        self._note: dict[str, Any] = {}
        self._names: dict[str, str] = {}  # by the platform's id of the channel

    def begin(self, taken_at: datetime) -> ExportOrder:
        """Begin in the folder, or go on in it; the order then takes nothing that was sent after its first attempt.

        Raises:
            FolderRefused: it holds another export, a complete one, or other files.
        """
        order = self._order.as_note()
        note = self._read_note()
        if note is None:
            if any(not place.name.endswith(_PART) for place in self._path.iterdir()):
                raise FolderRefused(f"{self._path} is not empty, and holds no export: give a new folder")
            self._save({"order": order, "taken_at": [taken_at.isoformat()], "complete": False})
            return self._order
        if note.get("order") != order:
            raise FolderRefused(f"{self._path} holds an export of something else, or another form: give a new folder")
        if note.get("complete"):
            raise FolderRefused(f"{self._path} holds this export, complete {_as_of(note)}: give a new folder")
        self._save(note | {"taken_at": [*note["taken_at"], taken_at.isoformat()]})
        for entry in self._path.iterdir():
            if named := _NAMED.fullmatch(entry.name):
                self._names[named["id"]] = named["name"]
        return self._bounded(datetime.fromisoformat(note["taken_at"][0]))

    @property
    def attempts(self) -> list[datetime]:
        """Of when each attempt was, this one last."""
        return [datetime.fromisoformat(at) for at in self._note["taken_at"]]

    def finish(self, facts: dict[str, Any]) -> None:
        """Note that every file is there."""
        self._save({**self._note, **facts, "complete": True})

    def holds(self, name: str) -> bool:
        """Return whether a file is there, whole."""
        return (self._path / name).exists()

    def name_of(self, channel: ShownChannel) -> str:
        """Return what the file or folder of a channel is called, without a suffix; the same when it was renamed."""
        return self.name_for(channel.platform_id, channel.name)

    def name_for(self, platform_id: str, name: str | None) -> str:
        """Return the same of a channel of which only the id and the name are known."""
        return self._names.setdefault(platform_id, f"{_fit(name)}.{platform_id}")

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to write it; it is there when the block ends without an error, and not otherwise."""
        place = self._path / name
        place.parent.mkdir(exist_ok=True, mode=0o700)
        beside = place.with_name(f".{place.name}{_PART}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with open(descriptor, "wb") as opened:
                os.fchmod(descriptor, 0o600)
                yield opened
                opened.flush()
                os.fsync(descriptor)
            beside.replace(place)
        finally:
            beside.unlink(missing_ok=True)

    def _bounded(self, first_at: datetime) -> ExportOrder:
        chosen = self._order.selection
        until = min(chosen.until, first_at) if chosen.until else first_at
        return replace(self._order, selection=replace(chosen, until=until))

    def _read_note(self) -> dict[str, Any] | None:
        try:
            note = orjson.loads((self._path / _NOTE).read_bytes())
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError as e:
            raise FolderRefused(f"{self._path / _NOTE} cannot be read: give a new folder") from e
        return note if isinstance(note, dict) else {}

    def _save(self, note: dict[str, Any]) -> None:
        self._note = note
        with self.file(_NOTE) as file:
            file.write(orjson.dumps(note, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _as_of(note: dict[str, Any]) -> str:
    first, *later = note["taken_at"]
    return f"as of between {first} and {later[-1]}" if later else f"as of {first}"


def _fit(name: str | None) -> str:
    """Make a channel's name one of a file: letters, digits, _ and -, and not too long."""
    fit = _UNFIT.sub("-", name or "").strip("-").encode(errors="ignore")
    return fit[:_LONGEST_NAME].decode(errors="ignore") or "channel"
