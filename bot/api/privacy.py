"""The call that removes a person's traces."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from adapters.base import PlatformAdapter
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.requests import ErasureRequest, of_platforms
from bot.api.responses import ForgottenView
from bot.api.tenants import find_tenant, require_id_field
from storage import privacy
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyCalls:
    """Serves erasures, of people that the platforms' ids name."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    hash_user: Callable[[str], str]
    clock: Callable[[], datetime]

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="POST",
                path="/api/forgotten-users",
                summary="Remove a person's traces, in one tenant or in all, for good.",
                handler=self.forget,
                params=NoParameters,
                body=of_platforms(ErasureRequest, self.adapters, "user_id"),
                results={200: ForgottenView},
                problems={404: "There is no such tenant."},
            ),
        ]

    async def forget(self, _: NoParameters, erasure: ErasureRequest) -> Result:
        """Erase a person. Nothing of the id is stored or logged; its hash is, or it could not be recognized again."""
        require_id_field(self.adapters[erasure.platform], "user_id", erasure.user_id)
        if erasure.tenant_id is not None:
            await find_tenant(self.db, erasure.tenant_id)
        user_hash = self.hash_user(erasure.user_id)
        counts = await privacy.erase_user(self.db, user_hash, tenant_id=erasure.tenant_id, now=self.clock())
        return Result(ForgottenView(**asdict(counts)))
