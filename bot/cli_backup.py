"""The command that makes backups."""

from pathlib import Path
from typing import Annotated

import typer

from bot import app as daemon
from bot.backup import Backup, back_up
from bot.cli import ConfigFile, app, run_verb, set_up_logs, settings_of

_MEBIBYTE = 2**20


@app.command()
def backup(
    output: Annotated[Path, typer.Option(help="The folder of the backups; made where it is not there.")],
    keep: Annotated[int, typer.Option(min=1, max=10_000, help="How many of them stay; older ones are removed.")] = 7,
    config: ConfigFile = None,
) -> None:
    """Copy the archive as it is at this instant, with the erasure requests; the daemon may run meanwhile."""
    settings = settings_of(config)
    set_up_logs(settings)

    async def make() -> None:
        made = await back_up(settings, output, keep=keep, hash_choice=settings.hasher.choice, now=daemon.utc_now())
        typer.echo(_in_words(made))

    run_verb(make())


def _in_words(made: Backup) -> str:
    removed = f"; removed {', '.join(file.name for file in made.removed)}" if made.removed else ""
    return f"{made.file}: {made.size_bytes / _MEBIBYTE:,.1f} MiB{removed}"
