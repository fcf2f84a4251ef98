"""Which databases an archive can live in."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import BadDatabaseUrl

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


def parse_url(url: str) -> URL:
    """A usable URL with its driver named. What it refuses it never repeats: there may be a password in it.

    Raises:
        BadDatabaseUrl: not a URL, a database or driver of another kind, or a SQLite one without a file.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise BadDatabaseUrl(f"{BadDatabaseUrl().args[0]} This one begins with {parsed.drivername}.")
    if driver.startswith("sqlite"):
        _check_file(parsed)
    return parsed.set(drivername=driver)


def sqlite_path(url: URL) -> Path | None:
    """The file of a SQLite URL, every link followed, so that one archive has one name. None for a server."""
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None


def _check_file(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise BadDatabaseUrl(
            "An archive needs a file: sqlite+aiosqlite:///<path>, with four slashes for an absolute path."
        )
    if url.query or url.host:
        raise BadDatabaseUrl("A SQLite URL takes no options and no host: sqlite+aiosqlite:///<path>.")
