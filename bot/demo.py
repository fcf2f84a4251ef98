"""The daemon against a simulated Discord in the same process, with a community that goes on living."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.config import DiscordOptions
from adapters.discord.simulator import Limits, Simulator, demo_world, live
from adapters.privacy import UserHasher
from bot import app as daemon
from bot.config import Config, DatabaseConfig
from bot.metrics import Metrics

DATABASE = Path("data/demo.db")
_LATENCY_SECONDS = 0.05


async def run_demo(config: Config, hasher: UserHasher, *, console: Console | None, seconds: float | None) -> None:
    """Archive the demo's community until stopped, or for so many seconds.

    Where the configuration names no database of its own the demo begins anew each time: so does its community.
    """
    if config.database == DatabaseConfig():
        for leftover in DATABASE.parent.glob(f"{DATABASE.name}*"):
            leftover.unlink()
        config = config.model_copy(update={"database": DatabaseConfig(url=f"sqlite+aiosqlite:///{DATABASE}")})
    async with Simulator(demo_world(now=datetime.now(UTC)), limits=Limits(), latency_seconds=_LATENCY_SECONDS) as sim:
        paced = config.platforms["discord"].options
        addresses = {"rest_url": sim.rest_url, "gateway_url": sim.gateway_url}
        options = DiscordOptions.model_validate(paced.model_dump() | addresses)
        metrics = Metrics()
        adapters = {"discord": DiscordAdapter(token=sim.world.token, options=options, hasher=hasher, observer=metrics)}
        life = asyncio.create_task(live(sim.change, asyncio.sleep), name="life")
        try:
            async with asyncio.timeout(seconds):
                await daemon.run(config, hasher, adapters, metrics=metrics, console=console, on_serving=_explain)
        except TimeoutError:
            if seconds is None:
                raise
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)


def _explain(url: str) -> None:
    query = "SELECT content FROM messages ORDER BY sent_at DESC LIMIT 5"
    sys.stderr.write(
        f"\nA simulated community is being archived; it goes on living. Try:\n"
        f"  curl {url}/api/tenants\n"
        f"  sqlite3 -readonly {DATABASE} '{query}'\n"
        f"  Ctrl-C ends it.\n\n"
    )
