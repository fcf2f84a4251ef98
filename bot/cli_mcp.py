"""The command that answers an assistant."""

from typing import Annotated

import typer

from adapters.registry import PLATFORMS
from bot import app as daemon
from bot.cli import FAILED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of, skip_words


@app.command()
def mcp(
    tenant: Annotated[str | None, typer.Option(help="Tell of this one alone, as in discord-<guild id>.")] = None,
    config: ConfigFile = None,
) -> None:
    """Answer an AI assistant over standard input and output (MCP): it can search and read, and change nothing.

    An assistant starts this itself; docs/mcp.md says how.
    """
    from bot.mcp import AssistantUnavailable, serve_assistant  # no other verb needs it

    settings = settings_of(config)
    set_up_logs(settings)

    async def serve() -> None:
        try:
            await serve_assistant(
                settings,
                hash_choice=settings.hasher.choice,
                clock=daemon.utc_now,
                message_urls={name: platform.message_url for name, platform in PLATFORMS.items()},
                skip_words=skip_words(),
                only=tenant,
            )
        except AssistantUnavailable as e:
            leave(str(e), FAILED)

    run_verb(serve())
