"""The command that searches the archive."""

import json
from typing import Annotated

import typer
from pydantic import ValidationError

from bot import app as daemon
from bot import standing, tables
from bot.api import Problem, SearchPage, SearchView, errors_of
from bot.cli import FAILED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of, skip_words
from bot.cli_syncs import COMES_BY_ITSELF, NO_DAEMON, AsJson, OfTenant
from bot.daemon_calls import DaemonUnreachable
from storage.search import Order


@app.command()
def search(
    tenant: OfTenant,
    query: Annotated[
        list[str], typer.Argument(help='As in the search box, such as: deploy from:1a2b3c4d -- -friday "on hold"')
    ],
    order: Annotated[Order, typer.Option(help="In which order the hits are shown.")] = Order.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many hits at most.")] = 20,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Find messages by words, "phrases", beginnings* and filters (in: from: before: has: ...).

    Exit status 1: there are none; 75: the time limit ended the search before any was found.
    """
    settings = settings_of(config)
    set_up_logs(settings)

    asked = _asked(tenant, " ".join(query), order, limit)

    async def find() -> None:
        choice = settings.hasher.choice
        asking = standing.answers_of(settings, hash_choice=choice, clock=daemon.utc_now, skip_words=skip_words())
        async with asking as (answers, _):
            try:
                found = await answers.search(asked)
            except Problem as e:
                leave(str(e), FAILED)
            except DaemonUnreachable as e:
                leave(str(e), NO_DAEMON)
        if as_json:
            typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False, indent=2))
        else:
            _show(found)
        if not found.hits:
            raise typer.Exit(FAILED if found.complete else COMES_BY_ITSELF)

    run_verb(find())


def _asked(tenant: str, query: str, order: Order, limit: int) -> SearchPage:
    try:
        return SearchPage.model_validate({"tenantId": tenant, "q": query, "order": order, "limit": limit})
    except ValidationError as e:
        names = {"tenantId": "TENANT", "q": "QUERY"}
        wrong = [
            f"{names.get(error['field'], error['field'])}: {error['detail']}" for error in errors_of(e, SearchPage)
        ]
        leave("; ".join(wrong), FAILED)


def _show(found: SearchView) -> None:
    tables.show_hits(found.hits)
    for notice in found.notices:
        tables.say(notice)
    if found.nothing:
        tables.say(f"nothing was found: {found.nothing.detail}")
