"""The commands that take messages along, and that look at what was taken."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bot.cli import FAILED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of, skip_words
from bot.export import (
    FORMATS,
    ExportFormat,
    ExportOrder,
    ExportProgress,
    FolderExport,
    FolderRefused,
    FormatUnavailable,
    IncompleteExport,
    Split,
    read_jsonl,
)
from bot.html_export import HtmlExport, verify_folder, verify_page
from bot.wording import counted, trouble_in_words
from storage.connection import require_archive
from storage.database import open_for_reading
from storage.export import ExportSelection

_PSEUDONYM = re.compile("[0-9a-f]{8,64}")


def parse_time(text: str) -> datetime:
    """Read a day or a time, in UTC where it names no zone.

    Raises:
        typer.BadParameter: it is neither.
    """
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter("must be a day or a time, as in 2026-11-01 or 2026-11-01T18:30Z") from None


def _pseudonym(text: str) -> str:
    if not _PSEUDONYM.fullmatch(text):
        raise typer.BadParameter("must be a pseudonym: its 64 digits, or at least the first 8 of them (0-9, a-f)")
    return text


Since = Annotated[datetime | None, typer.Option(parser=parse_time, metavar="TIME", help="Sent then or later.")]
Until = Annotated[datetime | None, typer.Option(parser=parse_time, metavar="TIME", help="Sent before.")]
Author = Annotated[str | None, typer.Option(parser=_pseudonym, metavar="PSEUDONYM", help="Only this person's.")]
Channels = Annotated[
    list[str] | None,
    typer.Option("--channel", metavar="ID", help="Only this channel with its threads, or this category; repeatable."),
]


@app.command()
def export(
    tenant: Annotated[str, typer.Argument(metavar="TENANT", help="As in discord-<guild id>.")],
    output: Annotated[Path, typer.Option(metavar="DIR", help="A folder that is new, or of the same export, to go on.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="What is written.")] = ExportFormat.JSONL,
    split: Annotated[Split, typer.Option(help="What one file holds.")] = Split.CHANNEL,
    channel: Channels = None,
    since: Since = None,
    until: Until = None,
    author: Author = None,
    include_deleted: Annotated[bool, typer.Option("--include-deleted", help="Deleted messages, too.")] = False,
    config: ConfigFile = None,
) -> None:
    """Write a tenant's messages to files. What was interrupted goes on by the same command.

    Each attempt is as of one instant, and takes nothing that was sent after the first.
    """
    if form is ExportFormat.HTML and split is not Split.CHANNEL:
        leave("html has pages of its own for each channel: leave --split out", FAILED)
    if form is not ExportFormat.HTML and FORMATS[form].is_of_one_channel and split is Split.NONE:
        leave(f"{form} holds one channel a file: choose --split channel or day", FAILED)
    if since and until and since >= until:
        leave("--since must be before --until", FAILED)
    selection = ExportSelection(
        tenant_id=tenant,
        channels=tuple(channel or ()),
        since=since,
        until=until,
        author=author,
        include_deleted=include_deleted,
    )
    settings = settings_of(config)
    set_up_logs(settings)
    choice = settings.hasher.choice

    async def write() -> None:
        await require_archive(settings.database.url, hash_choice=choice, tenant_id=tenant)
        db = await open_for_reading(settings.database.url, hash_choice=choice)
        order = ExportOrder(selection=selection, format=form, split=split)
        try:
            with _bar(tenant) as show:
                pages = partial(HtmlExport, skip_words=skip_words().of(tenant))
                make = pages if form is ExportFormat.HTML else FolderExport
                done = await make(db=db, order=order, path=output, on_progress=show).run()
        except (FolderRefused, FormatUnavailable) as e:
            leave(str(e), FAILED)
        finally:
            await db.close()
        typer.echo(_result(done, output), err=True)

    run_verb(write())


@app.command()
def verify_export(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files of an export as jsonl, or folders of one as html.")
    ],
) -> None:
    """Check that files of an export as jsonl, or folders of one as html, are whole and unchanged.

    Exit status 1: one is not.
    """
    broken = False
    for file in files:
        try:
            count = _count(file)
        except (IncompleteExport, OSError) as e:
            said = trouble_in_words(e) if isinstance(e, OSError) else str(e)
            typer.echo(said if said.startswith(f"{file}") else f"{file}: {said}", err=True)
            broken = True
        else:
            typer.echo(f"{file}: {counted(count, 'message')}, whole")
    if broken:
        raise typer.Exit(FAILED)


def _count(file: Path) -> int:
    """Count the messages of what an export wrote, which has to be whole."""
    if file.is_dir():
        return verify_folder(file)
    return verify_page(file) if file.suffix == ".html" else sum(1 for _ in read_jsonl(file))


@contextmanager
def _bar(tenant: str) -> Iterator[Callable[[ExportProgress], None]]:
    """Draw how far an export is, where standard error is a terminal."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[counts]}"))
    with Progress(
        *columns, TimeRemainingColumn(), console=Console(stderr=True), disable=not Console(stderr=True).is_terminal
    ) as bars:
        bar = bars.add_task(tenant, total=None, counts="")

        def show(progress: ExportProgress) -> None:
            counts = f"{progress.messages:,} messages, {progress.files:,} files"
            bars.update(bar, total=progress.estimate, completed=progress.messages, counts=counts)

        yield show


def _result(done: ExportProgress, output: Path) -> str:
    kept = f" (and kept {counted(done.kept, 'file')} that an earlier attempt had written)" if done.kept else ""
    return f"wrote {counted(done.messages, 'message')} in {counted(done.files, 'file')}{kept} to {output}"
