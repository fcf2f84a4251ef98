"""The command that lets analysts read a PostgreSQL archive, and nothing else."""

from typing import Annotated

import typer

from bot.cli import ConfigFile, app, run_verb, set_up_logs, settings_of
from storage.connection import archive_name, require_archive
from storage.database import open_database
from storage.reader_role import make_reader_role


@app.command()
def reader_role(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the role, such as analyst.")],
    new_password: Annotated[bool, typer.Option("--new-password", help="Give it another one, if it is there.")] = False,
    config: ConfigFile = None,
) -> None:
    """Make a PostgreSQL role that can only read the archive, or renew what it may read; shows its password once."""
    settings = settings_of(config)
    set_up_logs(settings)
    choice = settings.hasher.choice

    async def make() -> None:
        await require_archive(settings.database.url, hash_choice=choice)
        db = await open_database(settings.database.url, hash_choice=choice)
        try:
            password = await make_reader_role(db, name, new_password=new_password)
        finally:
            await db.close()
        typer.echo(f"{name} may read the archive at {archive_name(settings.database.url)}", err=True)
        if password is None:
            typer.echo("its password stays as it is; --new-password gives it another one", err=True)
        else:
            typer.echo(password)

    run_verb(make())
