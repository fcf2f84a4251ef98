"""The calls about the process itself: whether it is alive, and whether it can work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.responses import Health, Readiness
from bot.database_probe import DatabaseProbe


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCalls:
    """Serves the process's liveness and readiness."""

    database: DatabaseProbe
    adapters: Mapping[str, PlatformAdapter]
    blocked: Mapping[str, str]  # by platform: why nothing of it can be archived here
    is_settled: Callable[[str], bool]  # of a platform: whether its tenants match its communities

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
                summary="Every platform is connected, its tenants match its communities, and the database is writable.",
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
        """Report whether the gateways and the database can be used, within two seconds in any case."""
        reasons = {name: reason for name, adapter in self.adapters.items() if (reason := adapter.unready_reason)}
        reasons |= self.blocked
        # A process that holds no part of a platform has no communities of it, either.
        connected = [name for name, adapter in self.adapters.items() if adapter.held or name in reasons]
        if unsettled := [name for name in connected if not self.is_settled(name)]:
            reasons["membership"] = f"the tenants do not match the communities of {', '.join(unsettled)} yet"
        if fault := await self.database.fault():
            reasons["database"] = fault
        if reasons:
            detail = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            raise Problem(503, "not_ready", detail, reasons=reasons)
        return Result(Readiness(status="ready"))
