"""The command line: what an operator types, and what it answers where that cannot work."""

import asyncio
import sys
from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from adapters.base import PlatformAdapter, require_id
from adapters.errors import CredentialRefused
from adapters.privacy import UserHasher
from adapters.registry import PLATFORMS
from bot import app as daemon
from bot import logs, program_version
from bot import privacy as people
from bot.api import AddressInUse
from bot.check import Check, Finding, Mark
from bot.config import Config, ConfigError, load
from bot.metrics import Metrics
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


def _show_version(is_given: bool) -> None:
    if is_given:
        typer.echo(f"platform-sync {program_version()}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold the options of the command as a whole."""


@app.command()
def run(config: ConfigFile = None) -> None:
    """Run the daemon: log in, archive every guild, serve the API, until SIGTERM."""
    settings = _settings(config)
    console = _set_up_logs(settings)
    hasher, metrics = _hasher(settings), Metrics()
    adapters = _adapters(settings, hasher, metrics)
    if not adapters:
        variables = " or ".join(platform.token_variable for platform in PLATFORMS.values())
        _leave(f"{variables} is not set: put the bot's token there, or try 'demo', which needs none", MISCONFIGURED)
    _run(metrics.loop.beside(daemon.run(settings, hasher, adapters, metrics=metrics, console=console)))


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
def check(
    config: ConfigFile = None,
    tenant: Annotated[str | None, typer.Option(help="Only this one, as in discord-<guild id>.")] = None,
) -> None:
    """Report whether token, intents and database are right, and what of every tenant is archived or why it is not."""
    settings = _settings(config)
    logs.set_up("CRITICAL", "text", secrets=settings.secrets)  # what is wrong is in the report
    hasher = _hasher(settings)
    adapters = _adapters(settings, hasher, Metrics())
    findings: list[Finding] = []

    async def report() -> None:
        typer.echo(f"configuration\n  {Mark.OK:8} it can be read")
        async for finding in Check(settings, hasher, adapters, tenant_id=tenant).findings():
            if not findings or findings[-1].about != finding.about:
                typer.echo(finding.about)
            typer.echo(f"  {finding.mark:8} {finding.text}")
            findings.append(finding)

    _run(report())
    if any(finding.mark is Mark.PROBLEM for finding in findings):
        raise typer.Exit(FAILED)


@app.command()
def migrate(config: ConfigFile = None) -> None:
    """Bring the database to this version's tables."""
    settings = _settings(config)
    _set_up_logs(settings)

    async def upgrade() -> None:
        revision = await migrate_database(settings.database.url)
        typer.echo(f"the database is at revision {revision}")

    _run(upgrade())


UserId = Annotated[str, typer.Argument(help="The person's id on the platform; it is neither stored nor logged.")]
OfTenant = Annotated[str | None, typer.Option(help="Only in this one, as in discord-<guild id>; otherwise in all.")]
OfPlatform = Annotated[str, typer.Option(help="The platform that the id is of.")]


@app.command()
def forget(
    user_id: UserId, tenant: OfTenant = None, platform: OfPlatform = "discord", config: ConfigFile = None
) -> None:
    """Remove a person's messages, reactions, mentions and links for good; no later sync brings them back."""
    settings = _settings(config)
    _set_up_logs(settings)
    hasher = _hasher(settings)
    _require_user_id(platform, user_id)

    async def remove() -> None:
        counts = await people.forget(
            settings,
            platform,
            user_id,
            hasher.of(user_id),
            hash_choice=hasher.choice,
            tenant_id=tenant,
            clock=daemon.utc_now,
        )
        typer.echo("removed " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))

    _run(remove())


@app.command()
def export_user(
    user_id: UserId,
    tenant: OfTenant = None,
    platform: OfPlatform = "discord",
    output: Annotated[Path | None, typer.Option(help="A file; otherwise standard output.")] = None,
    config: ConfigFile = None,
) -> None:
    """Write what is held about a person as JSON Lines."""
    settings = _settings(config)
    _set_up_logs(settings)
    hasher = _hasher(settings)
    _require_user_id(platform, user_id)

    async def write() -> None:
        with output.open("wb") if output else nullcontext(sys.stdout.buffer) as file:
            written = await people.export(
                settings, hasher.of(user_id), hash_choice=hasher.choice, tenant_id=tenant, output=file
            )
        what = ", ".join(f"{count:,} {kind}" for kind, count in written.items()) or "nothing: nothing is held"
        typer.echo(f"wrote {what}", err=True)

    _run(write())


def _require_user_id(platform: str, user_id: str) -> None:
    """Leave where this is no id of the platform."""
    if platform not in PLATFORMS:
        _leave(f"there is no platform {platform}; there is {', '.join(PLATFORMS)}", FAILED)
    try:
        require_id(platform, PLATFORMS[platform].id_pattern, user_id)
    except ValueError as e:
        _leave(f"USER_ID {e}", FAILED)


def _settings(file: Path | None) -> Config:
    try:
        return load(file)
    except ConfigError as e:
        _leave(str(e), MISCONFIGURED)


def _set_up_logs(settings: Config) -> Console | None:
    """Set up the logs; returns the console to draw progress on, where standard error is a terminal."""
    console = Console(stderr=True)
    shown = console if console.is_terminal and settings.log.format == "text" else None
    logs.set_up(settings.log.level, settings.log.format, shown, secrets=settings.secrets)
    return shown


def _adapters(settings: Config, hasher: UserHasher, metrics: Metrics) -> dict[str, PlatformAdapter]:
    """Make the adapters of the platforms that have a token."""
    return {
        name: PLATFORMS[name].make(
            token=platform.token.get_secret_value(), options=platform.options, hasher=hasher, observer=metrics
        )
        for name, platform in settings.platforms.items()
        if platform.token
    }


def _hasher(settings: Config) -> UserHasher:
    key = settings.hash_key
    return UserHasher(key.get_secret_value().encode() if key else None)


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(main)
    except (CredentialRefused, AddressInUse) as e:
        _leave(str(e), MISCONFIGURED)
    except (people.DaemonRefused, OSError) as e:
        _leave(str(e), FAILED)
    except StorageError as e:
        _leave(str(e), FAILED if e.is_transient else MISCONFIGURED)


def _leave(message: str, status: int) -> NoReturn:
    print(f"platform-sync: {message}", file=sys.stderr)  # noqa: T201 (the operator's terminal)
    raise typer.Exit(status)
