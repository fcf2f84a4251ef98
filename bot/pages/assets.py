"""The pages' own files: the style sheet, the script, the icon. Their addresses change with what is in them."""

import hashlib
from pathlib import Path

from aiohttp import web

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER = "public, max-age=31536000, immutable"
_ICON = "/favicon.ico"  # what browsers ask for by themselves


class Assets:
    """The files as they were at the start, under addresses that can be kept for ever."""

    def __init__(self) -> None:
        self._files = page_files()
        self._addresses = {name: _address(name, body) for name, body in self._files.items()}

    def address(self, name: str) -> str:
        """Return the address of a file by its name, such as ``style.css``."""
        return self._addresses[name]

    @property
    def paths(self) -> frozenset[str]:
        """Every path at which a file is: they say nothing of the archive, and need no token."""
        return frozenset({*self._addresses.values(), _ICON})

    def routes(self) -> list[web.RouteDef]:
        """Return how each file is requested."""
        return [
            web.get(_ICON, self._show_icon),
            *(web.get(address, self._show) for address in self._addresses.values()),
        ]

    async def _show(self, request: web.Request) -> web.Response:
        name = next(name for name, address in self._addresses.items() if address == request.path)
        return self._answer(name, _FOR_EVER)

    async def _show_icon(self, _: web.Request) -> web.Response:
        return self._answer("favicon.svg", "public, max-age=86400")

    def _answer(self, name: str, keep: str) -> web.Response:
        headers = {"Content-Type": f"{_TYPES[Path(name).suffix]}; charset=utf-8", "Cache-Control": keep}
        return web.Response(body=self._files[name], headers=headers)


def page_files() -> dict[str, bytes]:
    """Return the files that pages need beside them, by name."""
    return {file.name: file.read_bytes() for file in sorted(_FOLDER.iterdir()) if file.suffix in _TYPES}


def _address(name: str, body: bytes) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"/static/{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{suffix}"
