"""The commands about opt-outs: begin one, end them, list them."""

from typing import Annotated

import typer

from bot import app as daemon
from bot import opt_outs as people
from bot import tables
from bot.cli import ConfigFile, app, run_verb, set_up_logs, settings_of
from bot.cli_people import (
    OfPlatform,
    OfTenant,
    UserId,
    Yes,
    confirm,
    counted_removals,
    read_user_id,
    removals_of_repeated,
    show_progress,
)
from bot.wording import counted
from storage.connection import archive_name, require_archive

Erase = Annotated[bool, typer.Option("--erase", help="Remove also what they wrote before, as 'forget' does.")]


@app.command()
def opt_out(
    user_id: UserId = None,
    tenant: OfTenant = None,
    platform: OfPlatform = "discord",
    erase: Erase = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Store nothing more of what a person writes, sends or reacts with; their messages stay as empty places."""
    settings = settings_of(config)
    set_up_logs(settings)
    hasher = settings.hasher
    where = archive_name(settings.database.url)
    person = read_user_id(platform, user_id)

    async def begin() -> None:
        choice = hasher.choice
        since = await people.opted_out_since(settings, hasher.of(person), hash_choice=choice, tenant_id=tenant)
        removed = await people.opt_out(
            settings,
            platform,
            person,
            hasher.of(person),
            hash_choice=choice,
            tenant_id=tenant,
            erase=erase,
            clock=daemon.utc_now,
            on_removed=show_progress,
        )
        place = tenant or "any tenant there is or will be"
        before = f", as since {since:%Y-%m-%d %H:%M:%S}Z" if since else ""
        what = removals_of_repeated(removed) if since else counted_removals(removed)
        typer.echo(f"nothing more of this person is stored in {place}{before}; {what} in {where}")

    run_verb(require_archive(settings.database.url, hash_choice=hasher.choice, tenant_id=tenant))
    if erase:
        confirm(f"Remove also what this person wrote before from the archive at {where}? It cannot be undone.", yes)
    run_verb(begin())


@app.command()
def opt_in(
    user_id: UserId = None,
    tenant: OfTenant = None,
    platform: OfPlatform = "discord",
    config: ConfigFile = None,
) -> None:
    """End a person's opt-out of a tenant, or all of theirs; what they wrote meanwhile stays withheld."""
    settings = settings_of(config)
    set_up_logs(settings)
    hasher = settings.hasher
    person = read_user_id(platform, user_id)

    async def end() -> None:
        ended = await people.opt_in(
            settings,
            platform,
            person,
            hasher.of(person),
            hash_choice=hasher.choice,
            tenant_id=tenant,
            clock=daemon.utc_now,
        )
        what = "what is written from a minute from now on is stored" if ended else "nothing to end"
        typer.echo(f"ended {counted(ended, 'opt-out')}: {what}")

    run_verb(end())


@app.command()
def opt_outs(config: ConfigFile = None) -> None:
    """List the opt-outs, without saying whose: from when, until when, where, the beginning of the pseudonym."""
    settings = settings_of(config)
    set_up_logs(settings)

    async def show() -> None:
        listed = await people.list_opt_outs(settings, hash_choice=settings.hasher.choice)
        if not listed:
            typer.echo(f"no opt-outs in the archive at {archive_name(settings.database.url)}", err=True)
        else:
            tables.show_opt_outs(listed)

    run_verb(show())
