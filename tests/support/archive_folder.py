"""The files of a SQLite archive, as somebody finds them who may read them."""

from pathlib import Path


def everything_in(folder: Path) -> str:
    """Every byte of every file: the database, its write-ahead log and the log's index, what else there is."""
    return "\n".join(path.read_bytes().decode("latin-1") for path in sorted(folder.rglob("*")) if path.is_file())
