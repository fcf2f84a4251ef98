"""A Discord to run against: the demo's and the tests', never the daemon's."""

from adapters.discord.simulator.faults import EVERYDAY, Fault
from adapters.discord.simulator.limits import Limits
from adapters.discord.simulator.server import Simulator

__all__ = [
    "EVERYDAY",
    "Fault",
    "Limits",
    "Simulator",
]
