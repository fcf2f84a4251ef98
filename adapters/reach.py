"""How many people a bot reaches: an ability that a platform may have beside those that every one has."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many people a bot reaches, and what follows from that on its platform.

    The platform estimates the members of each community; who is in several counts in each, so it is rather too many.
    """

    users: int
    communities: int
    meaning: str  # in words, for the operator
    needs_action: bool  # whether the operator may have to do something


@runtime_checkable
class KnowsReach(Protocol):
    """A platform that tells how many people a bot reaches."""

    async def reach(self) -> Reach | None:
        """Ask how many people the bot reaches; None where that cannot be told at present."""
        ...
