"""The command that moves the archive from SQLite to PostgreSQL."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from bot.cli import FAILED, MISCONFIGURED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of
from bot.config import HASH_KEY, MOVE_TO, Config, ConfigError, target_of_move
from bot.wording import counted
from storage.connection import secrets_of_url
from storage.errors import StorageError
from storage.move import Moved, MoveProgress, Step, move_archive

_USAGE = 2
_LINE_SECONDS = 30.0


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
            with _shown() as show:
                moved = await move_archive(
                    settings.database.url,
                    url,
                    hash_choice=settings.hasher.choice,
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
    return url or leave(f"give --to postgresql://USER@HOST/NAME, or set {MOVE_TO}", _USAGE)


def _tell(moved: Moved, settings: Config) -> None:
    """Say what was found equal, and what to do next."""
    width = max(len(table.name) for table in moved.tables)
    for table in moved.tables:
        typer.echo(f"{table.name:{width}}  {table.rows:>13,}  equal")
    if cleaned := sum(table.cleaned for table in moved.tables):
        typer.echo(f"{counted(cleaned, 'row')} held what PostgreSQL cannot store (U+0000), which was left out")
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
def _shown() -> Iterator[Callable[[MoveProgress], None]]:
    """Show how far the move is: a bar for each step on a terminal, elsewhere a line now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines().tell
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[counts]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as bars:
        yield _Bars(bars).tell


class _Bars:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._drawn: dict[Step, TaskID] = {}
        self._begun_at: dict[Step, int] = {}

    def tell(self, progress: MoveProgress) -> None:
        step = progress.step
        if step not in self._drawn:
            for ended in self._drawn.values():
                self._bars.update(ended, total=1, completed=1)
                self._bars.stop_task(ended)
            self._drawn[step] = self._bars.add_task(str(step), total=None, counts="")
            self._begun_at[step] = progress.rows
        bar = self._drawn[step]
        elapsed = next(task.elapsed for task in self._bars.tasks if task.id == bar)
        rate = (progress.rows - self._begun_at[step]) / (elapsed or 1)
        counts = (
            f"{_in_words(progress)}, {rate:,.0f}/s" if progress.rows_in_all else progress.table.partition(" ON ")[0]
        )
        self._bars.update(bar, total=progress.rows_in_all or None, completed=progress.rows, counts=counts)


class _Lines:
    def __init__(self) -> None:
        self._step: Step | None = None
        self._told_at = 0.0

    def tell(self, progress: MoveProgress) -> None:
        now = time.monotonic()
        if progress.step is self._step and now - self._told_at < _LINE_SECONDS:
            return
        self._step, self._told_at = progress.step, now
        words = f": {_in_words(progress)}" if progress.rows_in_all else ""
        typer.echo(f"{progress.step}{words}", err=True)


def _in_words(progress: MoveProgress) -> str:
    return f"{progress.table}, {progress.rows:,} of {progress.rows_in_all:,} rows"
