"""The command line: what an operator types, and what it answers where that cannot work."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from adapters.base import PlatformAdapter
from adapters.errors import CredentialRefused
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot import app as daemon
from bot import logs, program_version
from bot.api import AddressInUse
from bot.check import Check, Finding, Mark
from bot.config import Config, ConfigError, load
from bot.daemon_calls import DaemonRefused
from bot.demo_files import DemoFiles, DemoRefused
from bot.metrics import Metrics
from bot.platforms import make_adapters
from bot.skip_words import SkipWords
from bot.wording import trouble_in_words
from storage.database import migrate as migrate_database
from storage.errors import NoArchive, StorageError

app = typer.Typer(
    help="Keeps a complete, private, queryable archive of every Discord guild its bot is in.",
    epilog="In a checkout type './run' for 'platform-sync'; alone it is 'run', or 'demo' where nothing is configured, "
    "and there are also "
    "'./run test' (every gate), './run simulate' (the whole daemon in one simulated process) "
    "and './run bench' (what it costs).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

FAILED = 1
# EX_CONFIG: the configuration or a credential has to be changed; the systemd unit does not restart on it. Temporary
# failures, such as an archive or a port in use, end with FAILED and are retried.
MISCONFIGURED = 78

READER_GONE = 128 + signal.SIGPIPE
INTERRUPTED = 128 + signal.SIGINT
_DEMO = "or try './run demo', which needs none"

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file; config.toml where it is there.", show_default=False)
]


def _show_version(is_given: bool) -> None:
    if is_given:
        typer.echo(f"platform-sync {program_version()}")
        raise typer.Exit


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise typer.BadParameter("must be a number of seconds, such as 60")
    return seconds


Seconds = Annotated[float | None, typer.Option(parser=_seconds, metavar="SECONDS", help="End after so long.")]


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold the options of the command as a whole."""
    os.umask(0o077)  # files of this process are readable by its owner alone


@app.command()
def run(config: ConfigFile = None) -> None:
    """Run the daemon: log in, archive every guild, serve the API, until SIGTERM."""
    settings = settings_of(config)
    console = set_up_logs(settings)
    hasher, metrics = settings.hasher, Metrics()
    adapters = _adapters(settings, hasher, metrics)
    if not adapters:
        variables = " or ".join(platform.token_setting() for platform in PLATFORMS.values())
        leave(f"{variables} is not set: put the bot's token there, {_DEMO}", MISCONFIGURED)

    def serving(_: str) -> None:
        metrics.loop.begin_serving()

    work = daemon.run(settings, hasher, adapters, metrics=metrics, console=console, on_serving=serving)
    run_verb(metrics.loop.beside(work))


@app.command()
def demo(
    config: ConfigFile = None,
    seconds: Seconds = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew; otherwise it goes on where it ended.")] = False,
) -> None:
    """Run the daemon against a simulated Discord with a living community; needs no token."""
    from bot.demo import run_demo

    settings = settings_of(config)
    console = set_up_logs(settings)
    run_verb(run_demo(settings, console=console, seconds=seconds, fresh=fresh))


@app.command()
def check(
    config: ConfigFile = None,
    tenant: Annotated[str | None, typer.Option(help="Only this one, as in discord-<guild id>.")] = None,
) -> None:
    """Report whether token, intents and database are right, and what of every tenant is archived or why it is not."""
    settings = settings_of(config)
    logs.set_up("CRITICAL", "text", secrets=settings.secrets)  # what is wrong is in the report
    hasher = settings.hasher
    adapters = _adapters(settings, hasher, Metrics())
    findings: list[Finding] = []

    async def report() -> None:
        typer.echo(f"configuration\n  {Mark.OK:8} it can be read")
        async for finding in Check(settings, hasher, adapters, tenant_id=tenant).findings():
            if not findings or findings[-1].about != finding.about:
                typer.echo(finding.about)
            typer.echo(f"  {finding.mark:8} {finding.text}")
            findings.append(finding)

    run_verb(report())
    if any(finding.mark is Mark.PROBLEM for finding in findings):
        raise typer.Exit(FAILED)


@app.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to this version's tables."""
    settings = settings_of(config)
    set_up_logs(settings)

    async def upgrade() -> None:
        revision = await migrate_database(settings.database.url)
        typer.echo(f"the database is at revision {revision}")

    run_verb(upgrade())


def settings_of(file: Path | None) -> Config:
    """Load the configuration; exit with a message where it is invalid."""
    try:
        return load(file)
    except ConfigError as e:
        leave(str(e), MISCONFIGURED)


def set_up_logs(settings: Config, *secrets: str) -> Console | None:
    """Set up the logs; returns the console to draw progress on, where standard error is a terminal.

    ``secrets`` are those that the configuration does not hold.
    """
    console = Console(stderr=True)
    shown = console if console.is_terminal and settings.log.format == "text" else None
    logs.set_up(
        settings.log.level,
        settings.log.format,
        shown,
        secrets=[*settings.secrets, *secrets],
        user_id_patterns=[platform.user_id_pattern for platform in PLATFORMS.values()],
    )
    return shown


def _adapters(settings: Config, hasher: UserHasher, metrics: Metrics) -> dict[str, PlatformAdapter]:
    """Make the adapters of the platforms that have a token."""
    return make_adapters(settings.platforms, PLATFORMS, hasher, metrics)


def skip_words() -> SkipWords:
    """Return the words in which the platforms that there are say why a channel is not archived."""
    return SkipWords({name: platform.words for name, platform in PLATFORMS.items()})


def run_verb(main: Coroutine[Any, Any, object]) -> None:
    """Run a command to its end; turn an expected error into a line on standard error and an exit status."""
    try:
        asyncio.run(main)
    except CredentialRefused as e:
        leave(str(e), MISCONFIGURED)
    except AddressInUse as e:
        leave(str(e), MISCONFIGURED if e.needs_a_person else FAILED)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        _leave_reader()
    except (DaemonRefused, DemoRefused) as e:
        leave(str(e), FAILED)
    except OSError as e:
        leave(trouble_in_words(e), FAILED)
    except NoArchive as e:
        leave(f"{e}{DemoFiles().hint}", FAILED)
    except StorageError as e:
        leave(str(e), MISCONFIGURED if e.needs_a_person else FAILED)


def _leave_reader() -> NoReturn:
    """End the process as SIGPIPE would: the reader of the output, such as head, has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python's last flush would raise
    raise typer.Exit(READER_GONE)


def leave(message: str, status: int) -> NoReturn:
    """Exit with a line on standard error."""
    print(f"platform-sync: {message}", file=sys.stderr)  # noqa: T201 (the operator's terminal)
    raise typer.Exit(status)
