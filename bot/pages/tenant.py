"""The pages of one tenant: how it stands, its channels as a tree, and the threads of a channel that has many."""

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.api import Api, JobWatch, Problem, TenantPath, find_tenant, parameters_of
from bot.pages.addresses import SiteAddresses
from bot.pages.channel_tree import row_of, tree_of
from bot.pages.forms import DONE_IN_WORDS, Answered
from bot.pages.overview import overview_of
from bot.pages.rendering import render
from bot.wording import GAPS_IN_WORDS
from storage import channels, jobs, repair
from storage.reading import channel_of

_JOBS_SHOWN = 10
_AUDITS_SHOWN = 200
_THREADS_A_PAGE = 100
_ID = Field(pattern="^[0-9A-Za-z]{1,64}$")
_NUMBER = Field(pattern="^[1-9][0-9]{0,17}$")


class TenantQuery(Answered, TenantPath):
    """A tenant's page."""


class ThreadsQuery(TenantPath):
    """A page of a channel's threads."""

    channel_id: Annotated[str, Field(alias="channelId"), _ID]
    cursor: Annotated[str, _NUMBER] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantPages:
    """Serves the pages of one tenant."""

    api: Api
    watch: JobWatch

    def routes(self) -> list[web.RouteDef]:
        """Return how they are requested."""
        return [
            web.get("/tenants/{tenantId}", self.show),
            web.get("/tenants/{tenantId}/channels/{channelId}/threads", self.show_threads),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Show how a tenant stands."""
        params, db = parameters_of(request, TenantQuery), self.api.db
        tenant = await find_tenant(db, params.tenant_id)
        ended = await jobs.list_jobs(db, tenant_id=tenant.id, only_finished=True, limit=_JOBS_SHOWN)
        differing = await repair.channel_audits(db, tenant.id, only_differing=True, limit=_AUDITS_SHOWN + 1)
        return render(
            request,
            "tenant.html",
            title=tenant.name or tenant.id,
            tenant_id=tenant.id,
            addresses=SiteAddresses(tenant_id=tenant.id),
            overview=await overview_of(self.api, tenant),
            running=await self.watch.look_at(tenant.id),
            tree=await tree_of(db, tenant.id, self.api.skip_words.of(tenant.id)),
            ended=await self.api.presenter.jobs(ended),
            gaps_in_words=GAPS_IN_WORDS,
            differing=differing[:_AUDITS_SHOWN],
            is_differing_cut=len(differing) > _AUDITS_SHOWN,
            done=DONE_IN_WORDS[params.done] if params.done else None,
        )

    async def show_threads(self, request: web.Request) -> web.Response:
        """Show a page of the threads or posts of a channel."""
        params, db = parameters_of(request, ThreadsQuery), self.api.db
        tenant = await find_tenant(db, params.tenant_id)
        channel = await channel_of(db, tenant.id, params.channel_id)
        if channel is None:
            raise Problem(404, "no_such_channel", f"{tenant.id} has no channel {params.channel_id}")
        after = int(params.cursor) if params.cursor else None
        found = await channels.thread_summaries(db, channel.id, after=after, limit=_THREADS_A_PAGE + 1)
        shown = found[:_THREADS_A_PAGE]
        return render(
            request,
            "threads.html",
            title=f"Threads of {channel.name or channel.platform_id}",
            tenant=tenant,
            tenant_id=tenant.id,
            addresses=SiteAddresses(tenant_id=tenant.id),
            channel=channel,
            rows=[row_of(thread, self.api.skip_words.of(tenant.id)) for thread in shown],
            is_first=after is None,
            following=shown[-1].id if len(found) > len(shown) else None,
        )
