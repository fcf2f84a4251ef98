"""Parse database URLs in one place, so that every caller takes the same part for the password.

Operators paste passwords as they are. One that is not percent-encoded is accepted where only one reading is possible.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_plus

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import BadDatabaseUrl

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_PLAINLY = re.compile(r"([a-z][a-z0-9+]{0,30})://([^\x00-\x1f\x7f]*)", re.IGNORECASE)
_SERVER = re.compile(
    r"""(?P<host>\[[0-9a-f:.]+\]|[\w.-]*) (?: : (?P<port>[0-9]{1,5}))? (?: / (?P<database>[^/?#@\s]*))?
        (?: \? (?P<query>(?:\w+=[^&]*(?:&\w+=[^&]*)*)?))?""",
    re.VERBOSE | re.IGNORECASE,
)
_NO_USER = re.compile(r"[/?#\[\]\s]")
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_RESERVED = re.compile(r"[@/?#\[\]\s]")
_ADVICE = (
    "Where the user, the password or the rest holds one of @ : / ? # [ ] % or a space, write it as its escape: "
    "%40 %3A %2F %3F %23 %5B %5D %25 %20."
)


@dataclass(frozen=True, slots=True)
class _Written:
    """The parts of a server's URL, still encoded."""

    user: str | None
    password: str | None
    host: str
    port: str | None
    database: str | None
    query: tuple[tuple[str, str], ...]


def parse_url(url: str) -> URL:
    """Parse a URL and set its driver. Errors never quote the URL, which may hold a password.

    Raises:
        BadDatabaseUrl: no URL, or an ambiguous one; an unsupported database or driver; a SQLite URL without a file.
    """
    scheme, rest = _scheme_of(url)
    driver = _DRIVERS.get(scheme)
    if driver is None:
        raise BadDatabaseUrl(f"{BadDatabaseUrl().args[0]} This one begins with {scheme}.")
    return _file_url(url, driver) if driver.startswith("sqlite") else _server_url(_written(rest), driver)


def secrets_of_url(url: str) -> list[str]:
    """List the passwords in a URL, encoded and decoded; none where it cannot be parsed."""
    try:
        scheme, rest = _scheme_of(url)
        written = _written(rest) if scheme.startswith("postgresql") else None
        given = [written.password, *(v for k, v in written.query if "pass" in k)] if written else []
        return [form for text in given if text for form in (text, _decoded(text))]
    except BadDatabaseUrl:
        return []


def archive_name(url: str) -> str:
    """Name an archive without user or password: the file's absolute path, or host and database."""
    parsed = parse_url(url)
    path = sqlite_path(parsed)
    if path is not None:
        return str(path)
    host = parsed.host or parsed.query.get("host") or "this machine"
    return f"{host if isinstance(host, str) else ', '.join(host)}, database {parsed.database or parsed.username}"


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite URL with all links resolved, so that an archive has one name. None for a server."""
    return Path(url.database or "").resolve() if url.get_backend_name() == "sqlite" else None


def _scheme_of(url: str) -> tuple[str, str]:
    found = _PLAINLY.fullmatch(url.strip())
    if found is None:
        raise BadDatabaseUrl
    return found[1].lower(), found[2]


def _file_url(url: str, driver: str) -> URL:
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl from None
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise BadDatabaseUrl(
            "An archive needs a file: sqlite+aiosqlite:///<path>, with four slashes for an absolute path."
        )
    if parsed.query or parsed.host:
        raise BadDatabaseUrl("A SQLite URL takes no options and no host: sqlite+aiosqlite:///<path>.")
    return parsed.set(drivername=driver)


def _server_url(written: _Written, driver: str) -> URL:
    query: dict[str, list[str]] = {}
    for key, value in written.query:
        query.setdefault(key, []).append(_decoded(value) if "pass" in key else unquote_plus(value))
    return URL.create(
        driver,
        username=_decoded(written.user) if written.user else None,
        password=_decoded(written.password) if written.password else None,
        host=written.host.strip("[]") or None,
        port=int(written.port) if written.port else None,
        database=unquote(written.database) if written.database else None,
        query={key: values[0] if len(values) == 1 else tuple(values) for key, values in query.items()},
    )


def _written(rest: str) -> _Written:
    """Parse the part behind the scheme; it must have exactly one reading that ends with a server's address."""
    readings = list(_readings(rest))
    if len(readings) != 1:
        raise BadDatabaseUrl(f"The database URL (database.url) can{'' if readings else 'not'} be read{_how(readings)}")
    return readings[0]


def _how(readings: list[_Written]) -> str:
    return f" in more than one way. {_ADVICE}" if readings else f". {_ADVICE}"


def _readings(rest: str) -> Iterator[_Written]:
    for at in (-1, *(found.start() for found in re.finditer("@", rest))):
        user, colon, password = rest[: max(at, 0)].partition(":")
        server = _SERVER.fullmatch(rest, at + 1)
        if server and not _NO_USER.search(user) and int(server["port"] or 0) < 65_536:
            pairs = tuple((k, v) for k, _, v in (p.partition("=") for p in (server["query"] or "").split("&")) if k)
            secret = password if colon else None
            yield _Written(user or None, secret, server["host"], server["port"], server["database"], pairs)


def _decoded(text: str) -> str:
    """Decode a part; it is taken literally where a % that begins no escape shows that it is not encoded.

    Raises:
        BadDatabaseUrl: it holds escapes together with characters that would have to be escaped.
    """
    escapes = len(_ESCAPE.findall(text))
    if not escapes or text.count("%") > escapes:
        return text
    if _RESERVED.search(text):
        raise BadDatabaseUrl(f"The database URL (database.url) can be read in more than one way. {_ADVICE}")
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return text
