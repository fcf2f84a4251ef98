"""The calls about the process itself: whether it is alive, and whether it can work."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.responses import Health, Readiness
from storage.database import Database
from storage.errors import StorageError


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCalls:
    """Serves the process's liveness and readiness."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="GET",
                path="/healthz",
                summary="The process is alive.",
                handler=self.health,
                params=NoParameters,
                body=NoParameters,
                results={200: Health},
            ),
            Endpoint(
                method="GET",
                path="/readyz",
                summary="Every platform is connected, and the database can be written.",
                handler=self.readiness,
                params=NoParameters,
                body=NoParameters,
                results={200: Readiness},
                problems={503: "One of them is not so; `reasons` says which and why."},
            ),
        ]

    async def health(self, _: NoParameters, __: NoParameters) -> Result:
        """Answer that the process is alive."""
        return Result(Health(status="ok"))

    async def readiness(self, _: NoParameters, __: NoParameters) -> Result:
        """Answer whether the gateways and the database can be used."""
        reasons = {name: reason for name, adapter in self.adapters.items() if (reason := adapter.unready_reason)}
        try:
            await self.db.ping()
        except StorageError as e:
            reasons["database"] = str(e)
        if reasons:
            detail = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            raise Problem(503, "not_ready", detail, reasons=reasons)
        return Result(Readiness(status="ready"))
