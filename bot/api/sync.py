"""The calls about one tenant's syncs: enqueue one, see how fresh the archive is, and how far each channel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from adapters.records import JsonValue, SkipReason
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.job_responses import CreatedJob
from bot.api.openapi import AnyEndpoint
from bot.api.presenter import Facts, Presenter
from bot.api.problems import Problem
from bot.api.requests import ChannelPage, RequestedKind, SyncRequest, TenantPath
from bot.api.responses import ChannelError, ChannelList, ChannelView, SyncState
from bot.api.tenants import find_tenant
from bot.api.unwritten import unwritten_facts
from bot.queue import JobQueue
from bot.skip_words import SkipWords
from storage import channels, jobs, live
from storage.channels import ChannelSummary
from storage.database import Database
from storage.jobs import JobKind

_AUDIT_WAITS = (
    "The tenant has this unfinished sync, so no job was created for the audit. The audit is recorded: this sync "
    "begins it if it has not planned its audits yet, otherwise the next one does{due}. "
    "GET /api/tenants/{id}/coverage shows the result."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncCalls:
    """Serves a tenant's syncs and channels, and enqueues syncs."""

    db: Database
    queue: JobQueue
    presenter: Presenter
    clock: Callable[[], datetime]
    skip_words: SkipWords

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="POST",
                path="/api/tenants/{tenantId}/sync",
                summary="Sync a tenant now, before the routine unless that has waited for ten minutes. Asking twice is "
                "safe: an unfinished sync is returned instead.",
                handler=self.request_sync,
                params=TenantPath,
                body=SyncRequest,
                results={200: CreatedJob, 202: CreatedJob},
                problems={409: "The bot is not in the community, or its syncs are stopped."},
            ),
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/sync",
                summary="How fresh a tenant's archive is: its newest sync, and when the next one is due.",
                handler=self.show_sync,
                params=TenantPath,
                body=NoParameters,
                results={200: SyncState},
            ),
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/channels",
                summary="Channels: every channel, thread and post of a tenant; archived how far, or skipped and why.",
                handler=self.list_channels,
                params=ChannelPage,
                body=NoParameters,
                results={200: ChannelList},
            ),
        ]

    async def request_sync(self, params: TenantPath, request: SyncRequest) -> Result:
        """Enqueue a sync, or return the one that is unfinished."""
        tenant = await find_tenant(self.db, params.tenant_id)
        if tenant.stopped_at is not None:
            detail = "its syncs are stopped by request; POST /api/tenants with its platform and platform_id starts them"
            raise Problem(409, "stopped", detail)
        if not tenant.is_connected:
            invite = self.presenter.invite_url(tenant)
            detail = "the bot is not in this community; add it with the invite link"
            raise Problem(409, "disconnected", detail, invite_url=invite)
        job, created = await self.queue.enqueue(tenant.id, JobKind(request.kind))
        view = await self.presenter.job(job)
        hint = None
        if request.kind is RequestedKind.AUDIT and job.kind is not JobKind.AUDIT:
            due = self.presenter.due(tenant)
            hint = _AUDIT_WAITS.format(id=tenant.id, due=f", at {due:%Y-%m-%d %H:%M:%S} UTC" if due else "")
        return Result(CreatedJob(**dict(view), created=created, hint=hint), 202 if created else 200)

    async def show_sync(self, params: TenantPath, _: NoParameters) -> Result:
        """Show the newest job of a tenant, and when the next is due."""
        tenant = await find_tenant(self.db, params.tenant_id)
        job = await jobs.newest_job(self.db, tenant.id)
        now, complete_at, not_before = self.clock(), tenant.last_successful_sync_at, tenant.not_before
        state = SyncState(
            job=await self.presenter.job(job) if job else None,
            next_sync_at=self.presenter.due(tenant),
            process=(await live.processes_of(self.db, [tenant.id])).get(tenant.id),
            not_before=not_before if not_before and not_before > now else None,
            last_sync_at=tenant.last_sync_at,
            last_successful_sync_at=complete_at,
            **await unwritten_facts(self.db, tenant.id),
            checkpoint_age_seconds=max((now - complete_at).total_seconds(), 0.0) if complete_at else None,
        )
        return Result(state)

    async def list_channels(self, params: ChannelPage, _: NoParameters) -> Result:
        """List a tenant's channels in the order in which they were first seen."""
        tenant = await find_tenant(self.db, params.tenant_id)
        after = int(params.cursor) if params.cursor else None
        page = await channels.channel_summaries(self.db, tenant.id, after=after, limit=params.limit)
        cursor = str(page[-1].id) if len(page) == params.limit else None
        words = self.skip_words.of(tenant.id)
        return Result(ChannelList(channels=[channel_view(each, words) for each in page], next_cursor=cursor))


def channel_view(channel: ChannelSummary, words: Mapping[SkipReason, str]) -> ChannelView:
    """Present a channel, with its reason in the words of its platform where it is skipped."""
    reason = channel.skip_reason
    return ChannelView(
        id=str(channel.id),
        platform_id=channel.platform_id,
        parent_platform_id=channel.parent_platform_id,
        name=channel.name,
        type=channel.type,
        sync_state="archived" if reason is None else "skipped",
        skip_reason=reason,
        skipped_since=channel.skipped_since,
        visible_since=channel.visible_since,
        explanation=words[reason] if reason else None,
        messages=channel.messages_archived,
        checkpoint_message_id=channel.checkpoint_id,
        checkpoint_at=channel.checkpoint_at,
        state=channel.state,
        last_error=_error(channel.last_error) if channel.last_error else None,
        set_aside=list(channel.set_aside),
        reactions_pending=channel.reactions_pending,
    )


def _error(error: Mapping[str, JsonValue]) -> ChannelError:
    facts = Facts(error)
    return ChannelError(
        code=facts.text("code") or "unknown",
        message=facts.text("message") or "",
        remedy=facts.text("remedy"),
        at=facts.time("at"),
        attempts=facts.count("attempts") or None,
    )
