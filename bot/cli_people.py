"""The commands about people: erase one, export what is stored about one, and manage the erasure requests."""

import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from adapters.ids import require_id
from adapters.registry import PLATFORMS
from bot import app as daemon
from bot import privacy as people
from bot import tables
from bot.cli import FAILED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of
from bot.wording import counted
from storage.connection import archive_name, require_archive

UserId = Annotated[
    str | None,
    typer.Argument(
        help="The person's id on the platform. Better left out: then it is read from standard input, and stands in no "
        "shell's history. It is neither stored nor logged.",
        show_default=False,
    ),
]
OfTenant = Annotated[str | None, typer.Option(help="Only in this one, as in discord-<guild id>; otherwise in all.")]
OfPlatform = Annotated[str, typer.Option(help="The platform that the id is of.")]
Output = Annotated[Path | None, typer.Option(help="A file, for its owner alone; otherwise standard output.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask on the terminal.")]

erasures = typer.Typer(help="The erasure requests: list them, or carry them over a restore.", no_args_is_help=True)
app.add_typer(erasures, name="erasures")


@app.command()
def forget(
    user_id: UserId = None,
    tenant: OfTenant = None,
    platform: OfPlatform = "discord",
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Remove a person's messages, reactions, mentions and links for good; no later sync brings them back."""
    settings = settings_of(config)
    set_up_logs(settings)
    hasher = settings.hasher
    where = archive_name(settings.database.url)

    person = read_user_id(platform, user_id)

    async def remove() -> None:
        since = await people.forgotten_since(settings, hasher.of(person), hash_choice=hasher.choice, tenant_id=tenant)
        removed = await people.forget(
            settings,
            platform,
            person,
            hasher.of(person),
            hash_choice=hasher.choice,
            tenant_id=tenant,
            clock=daemon.utc_now,
            on_removed=show_progress,
        )
        typer.echo(f"{_result(removed, since)} in the archive at {where}")

    # Asked here and not in the event loop, which would take the first Ctrl-C for itself.
    run_verb(require_archive(settings.database.url, hash_choice=hasher.choice, tenant_id=tenant))
    in_all = "in all tenants there are and will be"
    confirm(f"Forget this person in the archive at {where}, {tenant or in_all}? It cannot be undone.", yes)
    run_verb(remove())


@app.command()
def export_user(
    user_id: UserId = None,
    tenant: OfTenant = None,
    platform: OfPlatform = "discord",
    output: Output = None,
    config: ConfigFile = None,
) -> None:
    """Write what is held about a person as JSON Lines."""
    settings = settings_of(config)
    set_up_logs(settings)
    hasher = settings.hasher

    person = read_user_id(platform, user_id)

    async def write() -> None:
        await require_archive(settings.database.url, hash_choice=hasher.choice, tenant_id=tenant)
        with _private(output) as file:
            written = await people.export(
                settings, hasher.of(person), hash_choice=hasher.choice, tenant_id=tenant, output=file
            )
        names = {"forgotten": "earlier erasure request", "opt_out": "opt-out"}
        parts = [counted(count, names.get(kind, kind)) for kind, count in written.items()]
        what = ", ".join(parts) or "nothing: nothing is held"
        typer.echo(f"wrote {what}, of the archive at {archive_name(settings.database.url)}", err=True)

    run_verb(write())


@erasures.command("list")
def list_requests(config: ConfigFile = None) -> None:
    """List the erasure requests, without saying whose: when, how far, where, the beginning of the pseudonym."""
    settings = settings_of(config)
    set_up_logs(settings)

    async def show() -> None:
        requests = await people.list_requests(settings, hash_choice=settings.hasher.choice)
        if not requests:
            typer.echo(f"no erasure requests in the archive at {archive_name(settings.database.url)}", err=True)
        else:
            tables.show_erasures(requests)

    run_verb(show())


@erasures.command("export")
def export_requests(output: Output = None, config: ConfigFile = None) -> None:
    """Write the erasure requests and opt-outs as JSON Lines, to be kept beside backups and replayed after a restore."""
    settings = settings_of(config)
    set_up_logs(settings)

    async def write() -> None:
        with _private(output) as file:
            count = await people.write_requests(settings, hash_choice=settings.hasher.choice, output=file)
        typer.echo(f"wrote {_requests(count)}", err=True)

    run_verb(write())


@erasures.command("replay")
def replay_requests(
    file: Annotated[Path | None, typer.Argument(help="What 'erasures export' wrote; otherwise standard input.")] = None,
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Fulfil exported requests once more, on an archive restored from before them, while the daemon is stopped."""
    settings = settings_of(config)
    set_up_logs(settings)
    where = archive_name(settings.database.url)

    async def again() -> None:
        lines = file.read_bytes().splitlines() if file else sys.stdin.buffer.read().splitlines()
        if file:  # else the terminal, if there is one, has just been read to its end
            confirm(f"Fulfil the erasure requests in {file} in the archive at {where}? It cannot be undone.", yes)
        try:
            count, removed = await people.replay(
                settings, lines, hash_choice=settings.hasher.choice, clock=daemon.utc_now, on_removed=show_progress
            )
        except ValueError as e:
            leave(str(e), FAILED)
        typer.echo(f"fulfilled {_requests(count)}: {removals_of_repeated(removed)} in the archive at {where}")

    run_verb(again())


def read_user_id(platform: str, given: str | None) -> str:
    """Return the id from the command line or standard input; exit where it is no id of the platform."""
    if platform not in PLATFORMS:
        leave(f"there is no platform {platform}; there is {', '.join(PLATFORMS)}", FAILED)
    if given in (None, "-"):
        given = getpass.getpass("User id (not shown): ", sys.stderr) if sys.stdin.isatty() else sys.stdin.readline()
    try:
        require_id(platform, PLATFORMS[platform].user_id_pattern, (given or "").strip())
    except ValueError as e:
        leave(f"USER_ID {e}", FAILED)
    return (given or "").strip()


def confirm(question: str, yes: bool) -> None:
    """Ask for confirmation if standard input is a terminal; exit if it is refused."""
    if not yes and sys.stdin.isatty() and not typer.confirm(question, err=True):
        leave("nothing was done", FAILED)


@contextmanager
def _private(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file with permissions for its owner alone, even if it exists; without a path, standard output."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()  # now, or a reader that has gone would be met by Python's last flush
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        yield file


_last_printed: dict[str, int] = {}


def show_progress(removed: dict[str, int]) -> None:
    """Write the counts to standard error if they have changed."""
    if removed != _last_printed and any(removed.values()):
        _last_printed.update(removed)
        typer.echo(f"so far {counted_removals(removed)}", err=True)


def _requests(count: dict[str, int]) -> str:
    return ", ".join(counted(number, kind) for kind, number in count.items()) or counted(0, "erasure request")


def _result(removed: dict[str, int], since: datetime | None) -> str:
    """Describe what was removed, and since when the person has been forgotten already."""
    if since is None:
        return counted_removals(removed)
    before = f"this person was forgotten already, on {since:%Y-%m-%d %H:%M:%S}Z"
    return f"{before}: {removals_of_repeated(removed)}"


def removals_of_repeated(removed: dict[str, int]) -> str:
    """Describe what a request removed that was made before."""
    return counted_removals(removed) if any(removed.values()) else "nothing was left to remove"


def counted_removals(removed: dict[str, int]) -> str:
    """Describe what was removed."""
    counts = [f"{count:,} {name if count != 1 else name[:-1]}" for name, count in removed.items()]
    return "removed " + (", ".join(counts) or "nothing")
