"""Verbs of the command line, typed within a test."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

from typer.testing import CliRunner, Result

from bot.cli import app


@contextmanager
def restored_mask() -> Iterator[None]:
    """Give the process's umask back, which every verb sets."""
    mask = os.umask(0o022)
    try:
        yield
    finally:
        os.umask(mask)


async def typed(words: str) -> Result:
    """What a verb ends with, beside the daemon of the test's own loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, words.split())
