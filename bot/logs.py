"""One line an event on standard error: for people, or as JSON for machines. Nothing gets past it unredacted."""

import logging
import sys
import threading
from collections.abc import Iterable, MutableMapping
from types import TracebackType
from typing import Any, Literal

import structlog
from rich.console import Console
from structlog.typing import Processor

from bot.redaction import LogRedactor, without_dumps

log = logging.getLogger(__name__)

# The most that a library may log: at DEBUG discord.py writes whole payloads, users' names and all, and at INFO
# SQLAlchemy writes every statement.
LIBRARIES = {
    "discord": logging.INFO,
    "aiohttp": logging.INFO,
    "asyncio": logging.INFO,
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "psycopg": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}


def set_up(
    level: str,
    form: Literal["text", "json"],
    console: Console | None = None,
    *,
    secrets: Iterable[str] = (),
    user_id_patterns: Iterable[str] = (),
) -> None:
    """Send every record of the process through one formatter: the libraries' too, warnings, and uncaught exceptions.

    ``console`` is where a progress display is drawn, so that lines appear above it. ``secrets`` never come out,
    nor do users' ids that match ``user_id_patterns`` (regular expressions) and are no short numbers or words.
    """
    renderer = structlog.processors.JSONRenderer() if form == "json" else _text_renderer(console)
    handler = _ConsoleHandler(console) if console else _Handler(sys.stderr)
    handler.setFormatter(make_formatter(renderer, LogRedactor(secrets, user_id_patterns)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, most in LIBRARIES.items():
        logging.getLogger(name).setLevel(max(most, root.level))
    _catch_the_rest()


def make_formatter(renderer: Processor, redactor: LogRedactor) -> logging.Formatter:
    """Make the formatter that turns a record into its line."""
    return _Formatter(
        foreign_pre_chain=[
            structlog.stdlib.ExtraAdder(),
            _keep_message,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redactor,
            renderer,
        ],
    )


def _keep_message(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep a field called ``event``, as the message is here, beside the message and not in its place."""
    record: logging.LogRecord = event["_record"]
    if "event" in record.__dict__:
        event["event"], event["named"] = record.getMessage(), record.__dict__["event"]
    return event


def _catch_the_rest() -> None:
    """Log what Python would print by itself: warnings, and the tracebacks of uncaught exceptions."""
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    sys.unraisablehook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)
    threading.excepthook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("nobody caught this: please report it", exc_info=(kind, error or kind(), traceback))


def _text_renderer(console: Console | None) -> structlog.dev.ConsoleRenderer:
    colors = console.is_terminal if console else sys.stderr.isatty()
    # Plain: rich tracebacks would show the variables.
    return structlog.dev.ConsoleRenderer(
        colors=colors, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Takes the payloads out of libraries' records before they become text."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(without_dumps(record))


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Never prints the record it failed on, as logging does by itself."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Log whose record it was."""
        cause = sys.exc_info()[0]
        if record.name != __name__ and cause is not None and not issubclass(cause, OSError):
            log.error("a log record could not be written", extra={"of": record.name, "cause": cause.__name__})


class _ConsoleHandler(_Handler):
    """Prints above a live display."""

    def __init__(self, console: Console) -> None:
        super().__init__(console.file)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._console.out(self.format(record), highlight=False)
        except Exception:  # noqa: BLE001 (as logging's own handlers do)
            self.handleError(record)
