"""The calls about tenants: create, show, remove."""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from adapters.ids import require_id
from adapters.records import TenantRecord
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.presenter import Presenter
from bot.api.problems import Problem
from bot.api.requests import NewTenant, Removal, TenantPage, TenantPath, of_platforms
from bot.api.responses import CreatedTenant, RemovedTenant, TenantList, TenantView
from bot.parts import Parts
from bot.tenants import TenantService
from storage import tenants
from storage.database import Database
from storage.tenants import Tenant, tenant_id_of

_STOPPED = "Its syncs are stopped, its archive is kept. POST /api/tenants starts them again."
_PURGED = "Its syncs are stopped, its archive is deleted. POST /api/tenants begins a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCalls:
    """Serves tenants, and creates, stops and purges them."""

    db: Database
    service: TenantService
    adapters: Mapping[str, PlatformAdapter]
    presenter: Presenter

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants",
                summary="All tenants, by id.",
                handler=self.list_tenants,
                params=TenantPage,
                body=NoParameters,
                results={200: TenantList},
            ),
            Endpoint(
                method="POST",
                path="/api/tenants",
                summary="Make a community a tenant, and sync it where the bot is in it. Asking twice is safe; one that "
                "was stopped goes on.",
                handler=self.create_tenant,
                params=NoParameters,
                body=of_platforms(NewTenant, self.adapters, "platform_id"),
                results={200: CreatedTenant, 201: CreatedTenant},
                problems={409: "It was stopped at the same moment."},
            ),
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}",
                summary="One tenant.",
                handler=self.show_tenant,
                params=TenantPath,
                body=NoParameters,
                results={200: TenantView},
            ),
            Endpoint(
                method="DELETE",
                path="/api/tenants/{tenantId}",
                summary="Stop a tenant's syncs for good and, with `purge=true`, delete its archive, too; a running "
                "sync then gets 10 s to reach a safe point. Asking twice is safe.",
                handler=self.remove_tenant,
                params=Removal,
                body=NoParameters,
                results={200: RemovedTenant},
            ),
        ]

    async def list_tenants(self, params: TenantPage, _: NoParameters) -> Result:
        """List tenants in the order of their ids."""
        page = await tenants.list_tenants(self.db, after=params.cursor, limit=params.limit)
        cursor = page[-1].id if len(page) == params.limit else None
        views = await self.presenter.tenants(page)
        return Result(TenantList(tenants=views, next_cursor=cursor))

    async def create_tenant(self, _: NoParameters, new: NewTenant) -> Result:
        """Store a tenant; its first sync is enqueued where the bot is in the community."""
        adapter = self.adapters[new.platform]
        require_id_field(adapter, adapter.id_pattern, "platform_id", new.platform_id)
        record = TenantRecord(platform_id=new.platform_id, name=new.name)
        is_elsewhere = Parts(self.adapters).is_elsewhere(tenant_id_of(new.platform, new.platform_id))
        connected = None if is_elsewhere else adapter.is_member(new.platform_id)
        tenant, created, job = await self.service.create(new.platform, record, connected=connected)
        view = await self.presenter.tenant(tenant)
        shown = await self.presenter.job(job) if job else None
        answer = dict(view)
        if is_elsewhere and view.process and not tenant.is_connected:  # as far as is known here
            answer |= {"hint": _ELSEWHERE, "invite_url": None}
        return Result(CreatedTenant(**answer, created=created, job=shown), 201 if created else 200)

    async def show_tenant(self, params: TenantPath, _: NoParameters) -> Result:
        """Show one tenant."""
        return Result(await self.presenter.tenant(await find_tenant(self.db, params.tenant_id)))

    async def remove_tenant(self, params: Removal, _: NoParameters) -> Result:
        """Stop a tenant's syncs and, with ``purge``, delete its archive."""
        tenant = await self.service.stop(params.tenant_id)
        if tenant is None:
            raise no_such_tenant(params.tenant_id)
        deleted = await self.service.purge(params.tenant_id) if params.purge else 0
        is_purged = params.purge or tenant.purged_at is not None
        removed = RemovedTenant(
            id=tenant.id,
            stopped_at=tenant.stopped_at or self.presenter.clock(),
            purged=is_purged,
            messages_deleted=deleted,
            detail=_PURGED if is_purged else _STOPPED,
        )
        return Result(removed)


_ELSEWHERE = (
    "Another process is told of this community (GET /api/processes). Where the bot is in it, that process begins its "
    "sync within a minute."
)


async def find_tenant(db: Database, tenant_id: str) -> Tenant:
    """Return a tenant that is there; a purged one is not.

    Raises:
        Problem: 404.
    """
    tenant = await tenants.get_tenant(db, tenant_id)
    if tenant is None or tenant.purged_at is not None:
        raise no_such_tenant(tenant_id)
    return tenant


def require_id_field(adapter: PlatformAdapter, pattern: str, field: str, value: str) -> None:
    """Raise a problem if a field of a body is not an id of its platform, by the pattern of what it is of.

    Raises:
        Problem: 422.
    """
    try:
        require_id(adapter.name, pattern, value)
    except ValueError as e:
        errors = [{"field": field, "detail": str(e)}]
        raise Problem(422, "invalid_body", f"{field}: {e}", errors=errors) from e


def no_such_tenant(tenant_id: str) -> Problem:
    """Return the problem of a tenant that is not there."""
    return Problem(404, "no_such_tenant", f"there is no tenant {tenant_id}; GET /api/tenants lists them")
