"""A verb typed beside the test's own simulator and daemons, without the second that a process of its own takes to load.

For verbs that end by themselves and are sent no signal; ``run_to_end`` starts a process.
"""

import asyncio
from collections.abc import Mapping

from typer.testing import CliRunner

import bot.cli_opt_outs
import bot.cli_people  # noqa: F401 # they add their verbs
from adapters.discord.simulator import Simulator
from bot.cli import app
from tests.support.process import environment_of
from tests.support.verbs import restored_mask


async def typed_to_end(
    *arguments: str,
    sim: Simulator | None = None,
    url: str = "",
    settings: Mapping[str, str] = {},
    given: str | None = None,
) -> tuple[int, str]:
    """Return how a verb ends, and what it has printed; an error that it does not expect is raised here."""
    environment = environment_of(sim, url, settings)
    with restored_mask():
        ended = await asyncio.to_thread(CliRunner().invoke, app, arguments, input=given, env=environment)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.exit_code, ended.output
