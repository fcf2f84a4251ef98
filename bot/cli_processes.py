"""The command about the processes that share an archive."""

import json

import typer

from bot import standing, tables
from bot.api import ProcessList
from bot.cli import FAILED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of
from bot.cli_syncs import NO_DAEMON, AsJson
from bot.daemon_calls import DaemonUnreachable


@app.command()
def processes(as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the processes that share the archive, and who archives what.

    Exit status 1: no running process has a part of a platform's connection, so that its communities wait; 3: no daemon.
    """
    settings = settings_of(config)
    set_up_logs(settings)

    async def show() -> None:
        try:
            async with standing.required_daemon(settings) as calls:
                found = standing.as_model(ProcessList, await calls.get("/api/processes"))
        except DaemonUnreachable as e:
            leave(str(e), NO_DAEMON)
        if as_json:
            typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=2))
        else:
            _show(found)
        if found.unheld:
            raise typer.Exit(FAILED)

    run_verb(show())


def _show(found: ProcessList) -> None:
    tables.show_processes(found.processes)
    for process in found.processes:
        if process.is_this:
            tables.say(f"{process.id} has answered")
    if found.unheld:
        parts = tables.shown_parts(found.unheld)
        tables.say(
            f"no process is connected to {parts}: their communities wait. GET /readyz says why, or start the "
            "one that is to have them"
        )
