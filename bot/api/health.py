"""The calls about the process itself: is it alive, can it work."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from bot.api.endpoint import Answer, Call, Nothing
from bot.api.openapi import AnyCall
from bot.api.problems import Problem
from bot.api.responses import Health, Readiness
from storage.database import Database
from storage.errors import StorageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wellbeing:
    """Whether the process is alive, and whether it can work."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]

    def calls(self) -> list[AnyCall]:
        """What they answer to."""
        return [
            Call(
                method="GET",
                path="/healthz",
                summary="The process is alive.",
                handler=self.health,
                asked=Nothing,
                body=Nothing,
                answers={200: Health},
            ),
            Call(
                method="GET",
                path="/readyz",
                summary="Every platform is connected, and the database can be written.",
                handler=self.readiness,
                asked=Nothing,
                body=Nothing,
                answers={200: Readiness},
                problems={503: "One of them is not so; `reasons` tells which and why."},
            ),
        ]

    async def health(self, _: Nothing, __: Nothing) -> Answer:
        """The process is alive."""
        return Answer(Health(status="ok"))

    async def readiness(self, _: Nothing, __: Nothing) -> Answer:
        """The gateway and the database can be used."""
        reasons = {name: reason for name, adapter in self.adapters.items() if (reason := adapter.unready_reason)}
        try:
            await self.db.ping()
        except StorageError as e:
            reasons["database"] = str(e)
        if reasons:
            detail = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            raise Problem(503, "not_ready", detail, reasons=reasons)
        return Answer(Readiness(status="ready"))
