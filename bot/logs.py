"""One line an event on standard error: for people, or as JSON for machines."""

import logging
import sys
from typing import Literal

import structlog
from rich.console import Console

# What a library may say at most: at DEBUG discord.py writes whole payloads, users' names and all, and at INFO
# SQLAlchemy writes every statement.
_LIBRARIES = {
    "discord": logging.INFO,
    "aiohttp": logging.INFO,
    "asyncio": logging.INFO,
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "psycopg": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}


def set_up(level: str, form: Literal["text", "json"], console: Console | None = None) -> None:
    """Send every record of the process, the libraries' too, through one formatter.

    ``console`` is where a progress display is drawn, so that lines appear above it.
    """
    timestamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    renderer = structlog.processors.JSONRenderer() if form == "json" else _text_renderer(console)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            timestamp,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = _ConsoleHandler(console) if console else logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, most in _LIBRARIES.items():
        logging.getLogger(name).setLevel(max(most, root.level))


def _text_renderer(console: Console | None) -> structlog.dev.ConsoleRenderer:
    colors = console.is_terminal if console else sys.stderr.isatty()
    return structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)


class _ConsoleHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Prints above a live display."""

    def __init__(self, console: Console) -> None:
        super().__init__(console.file)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.out(self.format(record), highlight=False)
