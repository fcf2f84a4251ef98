"""The command that moves the archive from SQLite to PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bot.cli import FAILED, MISCONFIGURED, ConfigFile, app, hasher_of, leave, run_verb, set_up_logs, settings_of
from bot.config import HASH_KEY, MOVE_TO, Config, ConfigError, target_of_move
from bot.wording import counted
from storage.connection import secrets_of_url
from storage.errors import StorageError
from storage.move import Moved, MoveProgress, Step, move_archive

USAGE = 2


@app.command()
def move(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help=f"An empty database: postgresql://USER@HOST/NAME; with a password better in {MOVE_TO}.",
            show_default=False,
        ),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Copy the archive from SQLite to PostgreSQL, and compare both row by row. The daemon must not run.

    What was interrupted goes on by the same command. The SQLite file is only read, and stays.
    """
    settings = settings_of(config)
    url = _target(to)
    set_up_logs(settings, *secrets_of_url(url))

    async def run() -> None:
        try:
            with _bar() as show:
                moved = await move_archive(
                    settings.database.url,
                    url,
                    hash_choice=hasher_of(settings).choice,
                    search=settings.search.kind,
                    on_progress=show,
                    on_note=lambda note: typer.echo(note, err=True),
                )
        except StorageError as e:
            if not e.is_transient:
                raise
            leave(f"{e} The same command goes on from here.", FAILED)
        _tell(moved, settings)

    run_verb(run())


def _target(given: str | None) -> str:
    try:
        url = given or target_of_move()
    except ConfigError as e:
        leave(str(e), MISCONFIGURED)
    return url or leave(f"give --to postgresql://USER@HOST/NAME, or set {MOVE_TO}", USAGE)


def _tell(moved: Moved, settings: Config) -> None:
    """Say what was found equal, and what to do next."""
    width = max(len(table.name) for table in moved.tables)
    for table in moved.tables:
        typer.echo(f"{table.name:{width}}  {table.rows:>13,}  equal")
    if moved.cleaned:
        typer.echo(f"{counted(moved.cleaned, 'row')} held what PostgreSQL cannot store (U+0000), which was left out")
    if moved.search_note:
        typer.echo(f"the index for searching is not built: {moved.search_note}")
    key = f"\n   {HASH_KEY} must stay as it is: the people's pseudonyms are made with it." if settings.hash_key else ""
    typer.echo(
        f"\nThe archive is in {moved.target}, and the same as in {moved.source}. Next:\n"
        f"1. Set database.url to the address that was given here.{key}\n"
        "2. Start the daemon: it goes on where it was. Roles that only read are made anew by 'reader-role'.\n"
        "3. The SQLite file was not changed. Keep it until you trust the new one, then delete it."
    )


@contextmanager
def _bar() -> Iterator[Callable[[MoveProgress], None]]:
    """Draw how far the move is, where standard error is a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[counts]}"))
    console = Console(stderr=True)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bars:
        drawn = {step: bars.add_task(str(step), total=None, start=False, visible=False, counts="") for step in Step}
        begun_at: dict[Step, int] = {}

        def show(progress: MoveProgress) -> None:
            bar = drawn[progress.step]
            if progress.step not in begun_at:
                bars.start_task(bar)
            done = progress.rows - begun_at.setdefault(progress.step, progress.rows)
            rate = done / (bars.tasks[bar].elapsed or 1)
            of = f" of {progress.rows_in_all:,} rows, {rate:,.0f} rows/s" if progress.rows_in_all else ""
            bars.update(
                bar,
                visible=True,
                total=progress.rows_in_all or None,
                completed=progress.rows,
                counts=f"{progress.rows:,}{of} ({progress.table})" if of else progress.table.partition(" ON ")[0],
            )

        yield show
