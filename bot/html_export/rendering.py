"""Exported pages as bytes, each with a last line by which it is known to be whole.

That line is a comment: how many messages are on the page, and the hash of all bytes before it.
"""

import hashlib
import re
from datetime import datetime
from pathlib import Path

from bot.pages import make_environment

_FOLDER = Path(__file__).parent / "templates"
_END = re.compile(rb'<!-- platform-sync-export/1 messages="([0-9]+)" sha256="([0-9a-f]{64})" -->\n\Z')
_END_LENGTH = 160  # bytes, at most
_MESSAGE = b'<article class="message'  # what people wrote is escaped, and holds none


class PageRenderer:
    """Renders the pages of one attempt."""

    def __init__(self, *, tenant: str, taken_at: datetime) -> None:
        self._environment = make_environment(_FOLDER)
        self._environment.globals |= {
            "tenant": tenant,
            "taken_at": taken_at,
            "now": lambda: taken_at,
            "load_media": False,
        }

    def page(self, template: str, *, messages: int = 0, **context: object) -> bytes:
        """Render a page that shows so many messages; every template needs ``title`` and ``up``."""
        body = self._environment.get_template(template).render(context).encode() + b"\n"
        return body + b'<!-- platform-sync-export/1 messages="%d" sha256="%s" -->\n' % (
            messages,
            hashlib.sha256(body).hexdigest().encode(),
        )


def messages_on(page: bytes) -> int | None:
    """Return how many messages are on a page; None where it is not whole, or was changed."""
    end = _END.search(page)
    body = page[: end.start()] if end else b""
    if end is None or hashlib.sha256(body).hexdigest().encode() != end[2]:
        return None
    return int(end[1]) if body.count(_MESSAGE) == int(end[1]) else None


def noted_on(file: Path) -> int:
    """Return how many messages a page that is there says that it shows."""
    with file.open("rb") as page:
        page.seek(max(file.stat().st_size - _END_LENGTH, 0))
        end = _END.search(page.read())
    return int(end[1]) if end else 0
