"""The calls."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from adapters.base import PlatformAdapter
from adapters.records import TenantRecord
from bot.api.models import CreatedJob, CreatedTenant, NewTenant, SyncRequest, SyncState, TenantList
from bot.api.problems import Problem
from bot.api.views import job_view, tenant_view
from bot.tenancy import Tenancy
from storage import jobs, tenants
from storage.database import Database
from storage.errors import StorageError
from storage.jobs import JobKind
from storage.tenants import SyncStatus, Tenant

M = TypeVar("M", bound=BaseModel)

_LONGEST_LIST = 200
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Api:
    """The handlers, over what they ask and tell."""

    db: Database
    tenancy: Tenancy
    adapters: Mapping[str, PlatformAdapter]
    clock: Callable[[], datetime]

    def routes(self) -> list[web.RouteDef]:
        """Every call with its handler."""
        return [
            web.get("/healthz", self.health),
            web.get("/readyz", self.readiness),
            web.get("/api/tenants", self.list_tenants),
            web.post("/api/tenants", self.create_tenant),
            web.get("/api/tenants/{tenant_id}", self.show_tenant),
            web.post("/api/tenants/{tenant_id}/sync", self.request_sync),
            web.get("/api/tenants/{tenant_id}/sync", self.show_sync),
            web.get("/api/jobs/{job_id}", self.show_job),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """The process is alive."""
        return web.json_response({"status": "ok"})

    async def readiness(self, _: web.Request) -> web.Response:
        """The gateway and the database can be used."""
        reasons = {name: reason for name, adapter in self.adapters.items() if (reason := adapter.unready_reason)}
        try:
            await self.db.ping()
        except StorageError as e:
            reasons["database"] = str(e)
        if reasons:
            detail = "; ".join(f"{part}: {reason}" for part, reason in reasons.items())
            raise Problem(503, "not_ready", detail, reasons=reasons)
        return web.json_response({"status": "ready"})

    async def create_tenant(self, request: web.Request) -> web.Response:
        """Make a community a tenant; its first sync is enqueued where the bot is in it."""
        new = await _body(request, NewTenant)
        adapter = self.adapters.get(new.platform)
        if adapter is None:
            known = ", ".join(self.adapters)
            raise Problem(422, "invalid_body", f"platform: there is no {new.platform!r}; there is {known}")
        record = TenantRecord(platform_id=new.platform_id, name=new.name)
        connected = adapter.is_member(new.platform_id)
        tenant, created, job = await self.tenancy.create(new.platform, record, connected=connected)
        view = await tenant_view(self.db, tenant, self.tenancy.scheduler.next_sync_at(tenant.id))
        answer = CreatedTenant(
            **view.model_dump(),
            created=created,
            job=await job_view(self.db, job, self.clock()) if job else None,
            invite_url=None if connected else adapter.invite_url,
        )
        return _json(answer, 201 if created else 200)

    async def list_tenants(self, request: web.Request) -> web.Response:
        """Tenants in the order of their ids."""
        limit = _limit(request)
        page = await tenants.list_tenants(self.db, after=request.query.get("cursor"), limit=limit)
        views = [await tenant_view(self.db, t, self.tenancy.scheduler.next_sync_at(t.id)) for t in page]
        return _json(TenantList(tenants=views, next_cursor=page[-1].id if len(page) == limit else None))

    async def show_tenant(self, request: web.Request) -> web.Response:
        """One tenant."""
        tenant = await self._tenant(request)
        return _json(await tenant_view(self.db, tenant, self.tenancy.scheduler.next_sync_at(tenant.id)))

    async def request_sync(self, request: web.Request) -> web.Response:
        """Sync now, or tell of the sync that is under way."""
        if request.can_read_body:
            await _body(request, SyncRequest)
        tenant = await self._tenant(request)
        if tenant.sync_status is SyncStatus.DISCONNECTED:
            invite = self.adapters[tenant.platform].invite_url
            raise Problem(
                409, "disconnected", "the bot is not in this community; add it with the invite link", invite_url=invite
            )
        job, created = await self.tenancy.enqueue(tenant.id, JobKind.MANUAL)
        view = await job_view(self.db, job, self.clock())
        return _json(CreatedJob(**view.model_dump(), created=created), 202 if created else 200)

    async def show_sync(self, request: web.Request) -> web.Response:
        """The newest job of a tenant, and when the next is due."""
        tenant = await self._tenant(request)
        job = await jobs.newest_job(self.db, tenant.id)
        now, complete_at = self.clock(), tenant.last_successful_sync_at
        state = SyncState(
            job=await job_view(self.db, job, now) if job else None,
            next_sync_at=self.tenancy.scheduler.next_sync_at(tenant.id),
            last_successful_sync_at=complete_at,
            checkpoint_age_seconds=(now - complete_at).total_seconds() if complete_at else None,
        )
        return _json(state)

    async def show_job(self, request: web.Request) -> web.Response:
        """One job, live."""
        job_id = _id(request, "job_id")
        job = await jobs.get_job(self.db, job_id)
        if job is None:
            raise Problem(404, "no_such_job", f"there is no job {job_id}")
        return _json(await job_view(self.db, job, self.clock()))

    async def _tenant(self, request: web.Request) -> Tenant:
        tenant_id = _id(request, "tenant_id")
        tenant = await tenants.get_tenant(self.db, tenant_id)
        if tenant is None:
            raise Problem(404, "no_such_tenant", f"there is no tenant {tenant_id}; ids look like discord-<guild id>")
        return tenant


def _id(request: web.Request, name: str) -> str:
    """An id from the path; what no id can look like is not even asked of the database."""
    text = request.match_info[name]
    if not text.isascii() or not text.isprintable() or len(text) > _LONGEST_ID:
        raise Problem(404, "not_found", f"{name} is not an id of this archive")
    return text


def _json(model: BaseModel, status: int = 200) -> web.Response:
    return web.Response(status=status, text=model.model_dump_json(), content_type="application/json")


async def _body(request: web.Request, model: type[M]) -> M:
    try:
        value = json.loads(await request.read())
    except (ValueError, RecursionError) as e:
        raise Problem(400, "invalid_json", "the body is not JSON (UTF-8)") from e
    return model.model_validate(value)


def _limit(request: web.Request) -> int:
    text = request.query.get("limit", "100")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= _LONGEST_LIST):
        raise Problem(400, "invalid_query", f"limit: must be a whole number from 1 to {_LONGEST_LIST}")
    return int(text)
