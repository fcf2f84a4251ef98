"""A Discord to run against: the demo's and the tests', never the daemon's.

``truth`` is not behind this door: the tests import it by itself, and the wheel leaves it out.
"""

from adapters.discord.simulator.changes import Changes
from adapters.discord.simulator.demo import DEMO_GUILD_ID, demo_world
from adapters.discord.simulator.faults import EVERYDAY, Fault
from adapters.discord.simulator.life import Life
from adapters.discord.simulator.limits import Limits
from adapters.discord.simulator.model import World
from adapters.discord.simulator.rich import rich_world
from adapters.discord.simulator.server import Simulator
from adapters.discord.simulator.uniform import tree_world, uneven_world, uniform_world

__all__ = [
    "DEMO_GUILD_ID",
    "EVERYDAY",
    "Changes",
    "Fault",
    "Life",
    "Limits",
    "Simulator",
    "World",
    "demo_world",
    "rich_world",
    "tree_world",
    "uneven_world",
    "uniform_world",
]
