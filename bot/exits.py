"""How the command line ends: with which status, and with which words in place of a traceback."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn

import typer

from adapters.errors import CredentialRefused
from bot.api import AddressInUse
from bot.demo_files import DemoRefused
from bot.privacy import DaemonRefused
from storage.errors import StorageError

FAILED = 1
MISCONFIGURED = 78  # EX_CONFIG: starting again cannot help; the systemd unit does not restart on it
INTERRUPTED = 128 + signal.SIGINT
READER_GONE = 128 + signal.SIGPIPE


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a verb to its end; what goes wrong on the way is said in a sentence, with the status that fits it."""
    try:
        asyncio.run(main)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _leave_reader()
    except (CredentialRefused, AddressInUse) as e:
        leave(str(e), MISCONFIGURED)
    except (DaemonRefused, DemoRefused, OSError) as e:
        leave(str(e), FAILED)
    except StorageError as e:
        leave(str(e), FAILED if e.is_transient else MISCONFIGURED)


def _leave_reader() -> NoReturn:
    """End as SIGPIPE would: whoever read the output, such as head, has enough of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python's last flush would complain
    raise typer.Exit(READER_GONE)


def leave(message: str, status: int) -> NoReturn:
    """End with a sentence for the operator."""
    print(f"platform-sync: {message}", file=sys.stderr)  # noqa: T201 (the operator's terminal)
    raise typer.Exit(status)
