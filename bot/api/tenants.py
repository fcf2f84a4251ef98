"""The calls about tenants: create, show, remove."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from adapters.base import PlatformAdapter
from adapters.records import TenantRecord
from bot.api.endpoint import Answer, Call, Nothing
from bot.api.openapi import AnyCall
from bot.api.presenter import Views
from bot.api.problems import Problem
from bot.api.requests import NewTenant, OneTenant, Removal, TenantPage, of_platforms
from bot.api.responses import CreatedTenant, RemovedTenant, TenantList, TenantView
from bot.tenancy import Tenancy
from storage import tenants
from storage.database import Database
from storage.tenants import Tenant

_STOPPED = "Its syncs are stopped, its archive is kept. POST /api/tenants starts them again."
_PURGED = "Its syncs are stopped, its archive is deleted. POST /api/tenants begins a new one."


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCalls:
    """The handlers, over what they ask and tell."""

    db: Database
    tenancy: Tenancy
    adapters: Mapping[str, PlatformAdapter]
    views: Views

    def calls(self) -> list[AnyCall]:
        """What they answer to."""
        return [
            Call(
                method="GET",
                path="/api/tenants",
                summary="All tenants, by id.",
                handler=self.list_tenants,
                asked=TenantPage,
                body=Nothing,
                answers={200: TenantList},
            ),
            Call(
                method="POST",
                path="/api/tenants",
                summary="Make a community a tenant, and sync it where the bot is in it. Asking twice is safe; one that "
                "was stopped goes on.",
                handler=self.create_tenant,
                asked=Nothing,
                body=of_platforms(NewTenant, self.adapters, "platform_id"),
                answers={200: CreatedTenant, 201: CreatedTenant},
                problems={409: "Somebody stopped it at the same moment."},
            ),
            Call(
                method="GET",
                path="/api/tenants/{tenantId}",
                summary="One tenant.",
                handler=self.show_tenant,
                asked=OneTenant,
                body=Nothing,
                answers={200: TenantView},
            ),
            Call(
                method="DELETE",
                path="/api/tenants/{tenantId}",
                summary="Stop a tenant's syncs for good and, with `purge=true`, delete its archive, too; a running "
                "sync then gets 10 s to reach a safe point. Asking twice is safe.",
                handler=self.remove_tenant,
                asked=Removal,
                body=Nothing,
                answers={200: RemovedTenant},
            ),
        ]

    async def list_tenants(self, asked: TenantPage, _: Nothing) -> Answer:
        """Tenants in the order of their ids."""
        page = await tenants.list_tenants(self.db, after=asked.cursor, limit=asked.limit)
        views = [await self.views.tenant(tenant) for tenant in page]
        return Answer(TenantList(tenants=views, next_cursor=page[-1].id if len(page) == asked.limit else None))

    async def create_tenant(self, _: Nothing, new: NewTenant) -> Answer:
        """Its first sync is enqueued where the bot is in the community."""
        adapter = self.adapters[new.platform]
        insist_on_id(adapter, "platform_id", new.platform_id)
        record = TenantRecord(platform_id=new.platform_id, name=new.name)
        connected = adapter.is_member(new.platform_id)
        tenant, created, job = await self.tenancy.create(new.platform, record, connected=connected)
        view = await self.views.tenant(tenant)
        shown = await self.views.job(job) if job else None
        return Answer(CreatedTenant(**dict(view), created=created, job=shown), 201 if created else 200)

    async def show_tenant(self, asked: OneTenant, _: Nothing) -> Answer:
        """One tenant."""
        return Answer(await self.views.tenant(await find_tenant(self.db, asked.tenant_id)))

    async def remove_tenant(self, asked: Removal, _: Nothing) -> Answer:
        """Stop its syncs and, where asked to, delete its archive."""
        tenant = await self.tenancy.stop(asked.tenant_id)
        if tenant is None:
            raise no_such_tenant(asked.tenant_id)
        deleted = await self.tenancy.purge(asked.tenant_id) if asked.purge else 0
        is_purged = asked.purge or tenant.purged_at is not None
        answer = RemovedTenant(
            id=tenant.id,
            stopped_at=tenant.stopped_at or self.views.clock(),
            purged=is_purged,
            messages_deleted=deleted,
            detail=_PURGED if is_purged else _STOPPED,
        )
        return Answer(answer)


async def find_tenant(db: Database, tenant_id: str) -> Tenant:
    """A tenant that is there; a purged one is not."""
    tenant = await tenants.get_tenant(db, tenant_id)
    if tenant is None or tenant.purged_at is not None:
        raise no_such_tenant(tenant_id)
    return tenant


def insist_on_id(adapter: PlatformAdapter, field: str, given: str) -> None:
    """Refuse what is no id of a platform."""
    if not re.fullmatch(adapter.id_pattern, given):
        detail = f"must be an id of {adapter.name}, which match {adapter.id_pattern}"
        errors = [{"field": field, "detail": detail}]
        raise Problem(422, "invalid_body", f"{field}: {detail}", errors=errors)


def no_such_tenant(tenant_id: str) -> Problem:
    """What to say to who asks for one."""
    return Problem(404, "no_such_tenant", f"there is no tenant {tenant_id}; GET /api/tenants lists them")
