"""The worlds there are to choose from."""

from adapters.discord.simulator.demo import demo_world
from adapters.discord.simulator.life import Life, live
from adapters.discord.simulator.rich import rich_world
from adapters.discord.simulator.uniform import tree_world, uneven_world, uniform_world

__all__ = ["Life", "demo_world", "live", "rich_world", "tree_world", "uneven_world", "uniform_world"]
