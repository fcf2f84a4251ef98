"""The daemon against a simulated Discord in the same process, with a community that goes on living."""

import asyncio
import random
import sys
from datetime import timedelta

from rich.console import Console

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.discord.simulator import DEMO_GUILD_ID, Life, Limits, Simulator, demo_world
from adapters.privacy import UserHasher
from bot import app as daemon
from bot.concurrency import first_error
from bot.config import Config
from bot.demo_files import DemoFiles, Journal
from bot.metrics import Metrics
from bot.sections import DatabaseConfig, HttpConfig, SyncConfig

# Shortened so that a minute shows what takes a real guild an hour: the pace, the limits, the interval.
_REQUESTS_PER_SECOND = 400
_INTERVAL = timedelta(seconds=20)
_REACTED_PERCENT = 2
_LATENCY_SECONDS = 0.005
# A change every 1.3 s on average; after an hour, when nobody watches any more, every 10 s.
_LIVELY = timedelta(hours=1)
_PAUSE_SECONDS, _QUIET_PAUSE_SECONDS = (0.5, 2.1), (5.0, 15.0)


async def run_demo(config: Config, *, console: Console | None, seconds: float | None, fresh: bool) -> None:
    """Archive the demo's community until stopped, or for ``seconds``.

    The archive, the pace and the hash key are the demo's own, whatever the configuration says. A later start continues
    with the same world and archive; with ``fresh`` both begin anew.

    Raises:
        DemoRefused: a demo runs in this folder, or the archive there is not the demo's.
        StorageError, AddressInUse: with a message for the operator.
    """
    files = DemoFiles()
    async with files.held():
        journal = await files.world(str(DEMO_GUILD_ID), born=daemon.utc_now(), fresh=fresh)
        if journal.moments:
            _say("The demo goes on where it ended; --fresh begins anew.")
        if config.database != DatabaseConfig():
            _say(f"The configured database is left alone: the demo has its own, {files.archive}.")
        limits = Limits(
            global_per_second=_REQUESTS_PER_SECOND * 2,
            channel_messages=(_REQUESTS_PER_SECOND, 1.0),
            other_routes=(_REQUESTS_PER_SECOND, 1.0),
        )
        world = demo_world(now=journal.born, reacted_percent=_REACTED_PERCENT)
        async with Simulator(world, limits=limits, latency_seconds=_LATENCY_SECONDS, clock=None) as sim:
            life = Life(sim.change)
            for moment in journal.moments:
                life.step(moment)
            archiving = _archive(_settings(config, files), sim, files, console)
            try:
                async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                    living = group.create_task(_live(life, journal), name="life")
                    await archiving
                    living.cancel()
            except BaseExceptionGroup as failed:
                raise first_error(failed) from None
            except TimeoutError:
                if seconds is None:
                    raise


def _settings(config: Config, files: DemoFiles) -> Config:
    """Keep the settings that concern this machine: address, API token, log."""
    interval = _INTERVAL if config.sync.interval == SyncConfig().interval else config.sync.interval
    own = {"database": DatabaseConfig(url=files.url), "hash_key": None}
    return config.model_copy(update={**own, "sync": config.sync.model_copy(update={"interval": interval})})


async def _archive(config: Config, sim: Simulator, files: DemoFiles, console: Console | None) -> None:
    options = DiscordOptions(
        rest_url=sim.rest_url,
        gateway_url=sim.gateway_url,
        requests_per_second=_REQUESTS_PER_SECOND,
        channel_requests_per_second=_REQUESTS_PER_SECOND / 4,
        reaction_requests_per_second=_REQUESTS_PER_SECOND / 4,
    )
    hasher, metrics = UserHasher(), Metrics()
    adapters = {"discord": DiscordAdapter(token=sim.world.token, options=options, hasher=hasher, observer=metrics)}

    def serving(url: str) -> None:
        files.announce(url)
        person = next(user.id for user in sim.world.guilds[DEMO_GUILD_ID].users.values() if not user.bot)
        _explain(url, files, person, has_token=config.api_token is not None)

    await daemon.run(config, hasher, adapters, metrics=metrics, console=console, on_serving=serving)


async def _live(life: Life, journal: Journal) -> None:
    """Make a random change now and then, for ever."""
    began = daemon.utc_now()
    while True:
        is_lively = daemon.utc_now() - began < _LIVELY
        least, most = _PAUSE_SECONDS if is_lively else _QUIET_PAUSE_SECONDS
        await asyncio.sleep(random.uniform(least, most))  # noqa: S311 (a demo's pauses)
        life.step(journal.record(daemon.utc_now()))


def _explain(url: str, files: DemoFiles, person: int, *, has_token: bool) -> None:
    archive, tenant_id = files.archive, f"discord-{DEMO_GUILD_ID}"
    port = url.rpartition(":")[2]
    # A daemon that has the archive open carries out forget, at the address in the settings.
    settings = files.setting if port == str(HttpConfig().port) else f"PLATFORM_SYNC_HTTP__PORT={port} {files.setting}"
    curl = 'curl -H "Authorization: Bearer $PLATFORM_SYNC_API_TOKEN"' if has_token else "curl"
    log_in = ", where any name and the token as the password log in" if has_token else ""
    query = "SELECT sent_at, channel, substr(content, 1, 60) FROM readable_messages ORDER BY sent_at DESC LIMIT 5"
    _say(
        f"\nThe demo: a simulated community that goes on living is archived into {archive}. Its Discord allows\n"
        f"{_REQUESTS_PER_SECOND} requests a second, where the real one allows 50, and it is synced every\n"
        f"{_INTERVAL.total_seconds():g} s, not every hour, so that half a minute shows what takes half an hour there.\n"
        f"Look at it with a browser{log_in}:\n"
        f"  {url}/\n"
        f"or from a shell:\n"
        f"  {curl} {url}/api/tenants\n"
        f"  {curl} {url}/api/tenants/{tenant_id}/channels\n"
        f"  {curl} {url}/api/jobs?limit=3\n"
        f"  sqlite3 -readonly {archive} '{query}'\n"
        f"  {url}/docs has everything else.\n"
        f"Every verb (status, search, export, backup, forget, ...) works on this archive with its settings, such as\n"
        f"  echo {person} | {settings} ./run export-user\n"
        f"Ctrl-C ends it; the next start goes on, with --fresh it begins anew.\n"
    )


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
