"""One assistant's session: the archive is opened to be read, and closed when the assistant leaves."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.config import Config
from bot.links import site_of
from bot.mcp.archive import Archive
from bot.mcp.toolbox import Toolbox
from bot.skip_words import SkipWords
from storage.connection import require_archive
from storage.database import open_for_reading

_INSTALL = (
    "this needs the package mcp, which is not installed: pip install -r requirements/mcp.lock (in a checkout "
    ".venv/bin/python -m pip install -r requirements/mcp.lock)"
)


class AssistantUnavailable(Exception):
    """A library that the protocol needs is not installed; the message says how to install it."""


async def serve_assistant(
    config: Config,
    *,
    hash_choice: str,
    clock: Callable[[], datetime],
    message_urls: Mapping[str, Callable[[str, str, str], str]],
    skip_words: SkipWords,
    only: str | None,
) -> None:
    """Answer an assistant on standard input and output until it leaves.

    Args:
        config: whose archive is read; a daemon may be working on it.
        hash_choice: how user ids are hashed.
        clock: the current time.
        message_urls: how each platform links to a message, of the ids of a community, a channel and the message.
        skip_words: the words in which each platform says why a channel is not archived.
        only: the one tenant that is told of; None: all.

    Raises:
        AssistantUnavailable: the SDK is not installed.
        StorageError: the archive cannot be read, or there is none, or not of this tenant.
    """
    try:
        from bot.mcp.server import serve
    except ModuleNotFoundError as e:
        if e.name and e.name.startswith("bot"):
            raise
        raise AssistantUnavailable(_INSTALL) from e
    logging.getLogger("mcp").setLevel(logging.WARNING)
    await require_archive(config.database.url, hash_choice=hash_choice, tenant_id=only)
    db = await open_for_reading(config.database.url, hash_choice=hash_choice, only_asking=True)
    try:
        archive = Archive(
            db=db,
            clock=clock,
            site=site_of(config.http),
            message_urls=message_urls,
            skip_words=skip_words,
            only=only,
        )
        await serve(Toolbox(archive))
    finally:
        await db.close()
