"""The calls about what an archive can be trusted for: its coverage, and a person's wish to be forgotten."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from adapters.base import PlatformAdapter
from bot.api.audit_responses import ChannelAuditView, CoverageView, ForgottenView, Gap
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.requests import ChannelPage, ErasureRequest, of_platforms
from bot.api.tenants import find_tenant, require_id
from storage import privacy, repair
from storage.database import Database
from storage.repair import Coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageCalls:
    """The handlers, over what they ask and tell."""

    db: Database
    adapters: Mapping[str, PlatformAdapter]
    hash_user: Callable[[str], str]
    clock: Callable[[], datetime]

    def endpoints(self) -> list[AnyEndpoint]:
        """What they answer to."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/coverage",
                summary="How complete a tenant's archive is, by its last audit: N of M messages.",
                handler=self.show_coverage,
                params=ChannelPage,
                body=NoParameters,
                results={200: CoverageView},
            ),
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

    async def show_coverage(self, params: ChannelPage, _: NoParameters) -> Result:
        """The sums of the last audits, and a page of them."""
        tenant = await find_tenant(self.db, params.tenant_id)
        found = await repair.coverage(self.db, tenant.id)
        if found is None:
            raise Problem(404, "no_such_tenant", f"there is no tenant {tenant.id}")
        after = int(params.cursor) if params.cursor else None
        page = await repair.channel_audits(self.db, tenant.id, after=after, limit=params.limit)
        names = ChannelAuditView.model_fields
        view = CoverageView(
            statement=_statement(found),
            **asdict(found),
            gaps=[
                Gap(reason=gap.reason, began_at=gap.began_at, ended_at=gap.ended_at)
                for gap in await repair.list_gaps(self.db, tenant.id)
            ],
            audits=[ChannelAuditView(**{name: getattr(audit, name) for name in names}) for audit in page],
            next_cursor=str(page[-1].channel_id) if len(page) == params.limit else None,
        )
        return Result(view)

    async def forget(self, _: NoParameters, wish: ErasureRequest) -> Result:
        """Nothing of the id is stored or logged; its hash is, or it could not be recognized again."""
        require_id(self.adapters[wish.platform], "user_id", wish.user_id)
        if wish.tenant_id is not None:
            await find_tenant(self.db, wish.tenant_id)
        user_hash = self.hash_user(wish.user_id)
        done = await privacy.erase_user(self.db, user_hash, tenant_id=wish.tenant_id, now=self.clock())
        return Result(ForgottenView(**asdict(done)))


def _statement(found: Coverage) -> str:
    if found.audited_at is None:
        return 'no audit has been completed yet; ask for one with POST .../sync and {"kind": "audit"}'
    date = found.audited_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"archive is {found.stored:,} of {found.of:,} messages, as of {date}"
