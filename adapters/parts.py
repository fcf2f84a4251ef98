"""The parts of a platform's connection: how its communities are divided among them, and whose turn it is.

Several processes may run one bot, each of them connecting some parts. A part is lost and begins anew by itself, such as
a shard of Discord's gateway.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeAlias

THE_ONLY_PART = "0/1"
"""The part of a connection that has no others."""


@dataclass(frozen=True, slots=True)
class Division:
    """How a platform divides its communities among the parts of its connection."""

    parts: tuple[str, ...]  # all there are, by name
    part_of: Callable[[str], str]  # by a community's platform id


UNDIVIDED = Division((THE_ONLY_PART,), lambda _: THE_ONLY_PART)

Turn: TypeAlias = Callable[[str, float], AbstractAsyncContextManager[None]]
"""``turn(name, spacing_seconds)`` is a block that only one process is in at a time, whatever else has another name. It
can be entered again ``spacing_seconds`` after it was left.
"""


def no_turn(_: str, __: float) -> AbstractAsyncContextManager[None]:
    """Enter at once: the turn of a process that is alone."""
    return nullcontext()
