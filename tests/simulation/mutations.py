"""Safeguards of the daemon, each switched off by the test: the simulation is worth what it finds of these."""

from collections.abc import Callable
from contextlib import AbstractContextManager

ALL: dict[str, Callable[[], AbstractContextManager[object]]] = {}
