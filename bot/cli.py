"""The command line: what an operator types, and what they are told where it cannot work."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from adapters.base import CredentialRefused
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot import daemon, logs
from bot.api.server import AddressInUse
from bot.config import Config, ConfigError, load
from storage.database import migrate as migrate_database
from storage.errors import StorageError

app = typer.Typer(
    help="Keeps a complete, private, queryable archive of every Discord guild its bot is in.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

FAILED = 1
MISCONFIGURED = 78  # EX_CONFIG: starting again cannot help; the systemd unit does not restart on it

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file; config.toml where it is there.", show_default=False)
]


@app.command()
def run(config: ConfigFile = None) -> None:
    """Run the daemon: log in, archive every guild, serve the API, until SIGTERM."""
    settings = _settings(config)
    console = _set_up_logs(settings)
    hasher = _hasher(settings)
    adapters = {
        name: PLATFORMS[name].make(token=platform.token.get_secret_value(), options=platform.options, hasher=hasher)
        for name, platform in settings.platforms.items()
        if platform.token
    }
    if not adapters:
        variables = " or ".join(platform.token_variable for platform in PLATFORMS.values())
        _leave(f"{variables} is not set: put the bot's token there, or try 'demo', which needs none", MISCONFIGURED)
    _run(daemon.run(settings, hasher, adapters, console=console))


@app.command()
def demo(
    config: ConfigFile = None,
    seconds: Annotated[float | None, typer.Option(help="End after so long; otherwise at Ctrl-C.")] = None,
) -> None:
    """Run the daemon against a simulated Discord with a living community; needs no token."""
    from bot.demo import run_demo

    settings = _settings(config)
    console = _set_up_logs(settings)
    _run(run_demo(settings, _hasher(settings), console=console, seconds=seconds))


@app.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to this version's tables."""
    settings = _settings(config)
    _set_up_logs(settings)

    async def to_head() -> None:
        revision = await migrate_database(settings.database.url)
        typer.echo(f"the database is at revision {revision}")

    _run(to_head())


def _settings(file: Path | None) -> Config:
    try:
        return load(file)
    except ConfigError as e:
        _leave(str(e), MISCONFIGURED)


def _set_up_logs(settings: Config) -> Console | None:
    """A terminal gets the progress of syncs too."""
    console = Console(stderr=True)
    shown = console if console.is_terminal and settings.log.format == "text" else None
    logs.set_up(settings.log.level, settings.log.format, shown)
    return shown


def _hasher(settings: Config) -> UserHasher:
    key = settings.hash_key
    return UserHasher(key.get_secret_value().encode() if key else None)


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(main)
    except (CredentialRefused, AddressInUse) as e:
        _leave(str(e), MISCONFIGURED)
    except StorageError as e:
        _leave(str(e), FAILED if e.is_transient else MISCONFIGURED)


def _leave(message: str, status: int) -> NoReturn:
    print(f"platform-sync: {message}", file=sys.stderr)  # noqa: T201 (the operator's terminal)
    raise typer.Exit(status)
