"""How many people a bot reaches: an ability that a platform may have beside those that every one has."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many people a bot reaches, and what follows from that on its platform."""

    users: int  # as the platform estimates; who is in several communities counts in each
    communities: int
    meaning: str  # in words, for the operator
    needs_action: bool  # whether the operator may have to do something


@runtime_checkable
class KnowsReach(Protocol):
    """A platform that tells how many people a bot reaches."""

    async def reach(self) -> Reach | None:
        """Ask how many people the bot reaches; None where that cannot be told at present."""
        ...
