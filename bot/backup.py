"""A folder of backups: a new one with the erasure requests beside it, and the oldest ones removed."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from bot.config import Config
from bot.privacy import write_requests
from storage.connection import copy_archive, make_private_folder, require_archive, suffix_of_copy

_NAME = "archive-"
_ABANDONED = timedelta(days=2)
REQUESTS = "erasures.jsonl"
"""The file of the erasure requests: a restored archive does not know those that came after its backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What was made, and what was removed for it."""

    file: Path
    size_bytes: int
    removed: tuple[Path, ...]


async def back_up(config: Config, folder: Path, *, keep: int, hash_choice: str, now: datetime) -> Backup:
    """Copy the archive into a folder, and remove all but the newest backups there; also while the daemon runs.

    Nothing is removed unless the new one is whole.

    Args:
        config: names the archive.
        folder: made where it is not there, for its owner alone.
        keep: how many backups stay, at least one.
        hash_choice: as for ``open_database``.
        now: names the new one.

    Raises:
        StorageError: the archive cannot be read, or not be copied.
        OSError: the folder cannot be written.
    """
    url = config.database.url
    await require_archive(url, hash_choice=hash_choice)
    make_private_folder(folder)
    suffix = suffix_of_copy(url)
    target = folder / f"{_NAME}{now:%Y-%m-%d-%H%M%S}{suffix}"
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)  # of a backup that was killed within this very second
    await copy_archive(url, part)
    part.rename(target)
    await _write_requests(config, folder, hash_choice)
    return Backup(file=target, size_bytes=target.stat().st_size, removed=_remove_oldest(folder, suffix, keep, now))


async def _write_requests(config: Config, folder: Path, hash_choice: str) -> None:
    requests = BytesIO()
    await write_requests(config, hash_choice=hash_choice, output=requests)
    _replace(folder / REQUESTS, requests.getvalue())


def _replace(file: Path, content: bytes) -> None:
    part = file.with_name(f".{file.name}.part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    part.rename(file)


def _remove_oldest(folder: Path, suffix: str, keep: int, now: datetime) -> tuple[Path, ...]:
    """Remove all but the newest backups, and what is left of those broken off days ago; nothing of another name."""
    whole = sorted(folder.glob(f"{_NAME}[0-9]*-[0-9]*-[0-9]*-[0-9]*{suffix}"))
    parts = folder.glob(f".{_NAME}*{suffix}.part")
    left = [part for part in parts if now.timestamp() - part.stat().st_mtime > _ABANDONED.total_seconds()]
    removed = (*whole[:-keep], *left)
    for file in removed:
        file.unlink(missing_ok=True)
    return removed
