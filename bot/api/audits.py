"""The call about how complete an archive is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from adapters.records import SkipReason
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.job_responses import RepairsLeft
from bot.api.openapi import AnyEndpoint
from bot.api.presenter import Facts
from bot.api.problems import Problem
from bot.api.requests import ChannelPage
from bot.api.responses import ChannelAuditView, CoverageView, Gap, IncompleteChannel, LiveView
from bot.api.retention import retention_of
from bot.api.tenants import find_tenant
from bot.api.unwritten import unwritten_facts
from bot.live import LiveFollower
from bot.skip_words import SkipWords
from bot.wording import repairs_in_words
from storage import channels, repair
from storage.channels import ChannelSummary
from storage.database import Database
from storage.repair import Coverage, RefetchKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCalls:
    """Serves the coverage of a tenant's archive, as its audits found it."""

    db: Database
    follower: LiveFollower
    skip_words: SkipWords

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
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
        ]

    async def show_coverage(self, params: ChannelPage, _: NoParameters) -> Result:
        """Show the sums of the last audits, and a page of them."""
        tenant = await find_tenant(self.db, params.tenant_id)
        found = await repair.coverage(self.db, tenant.id)
        if found is None:
            raise Problem(404, "no_such_tenant", f"there is no tenant {tenant.id}")
        after = int(params.cursor) if params.cursor else None
        following = await self.follower.following(tenant.id)
        page = await repair.channel_audits(self.db, tenant.id, after=after, limit=params.limit)
        names = ChannelAuditView.model_fields
        left, gaps = await repair.count_pending_ranges(self.db, tenant.id), await repair.list_gaps(self.db, tenant.id)
        view = CoverageView(
            statement=coverage_statement(found),
            live=LiveView(
                channels_followed=following.channels if following.is_here else None,
                channels=following.of,
                proven_until=following.proven_until,
                threads_proven_until=following.threads_proven_until,
            ),
            **asdict(found),
            content_retention=await retention_of(self.db, tenant.id),
            **await unwritten_facts(self.db, tenant.id),
            incomplete=[
                incomplete_view(channel, self.skip_words.of(tenant.id))
                for channel in await channels.channel_summaries(self.db, tenant.id, only_incomplete=True)
            ],
            gaps=[Gap(reason=gap.reason, began_at=gap.began_at, ended_at=gap.ended_at) for gap in gaps],
            repairs=repairs_in_words(left, gaps),
            repairs_left=RepairsLeft(**{kind.value: left[kind] for kind in RefetchKind}),
            audits=[ChannelAuditView(**{name: getattr(audit, name) for name in names}) for audit in page],
            next_cursor=str(page[-1].channel_id) if len(page) == params.limit else None,
        )
        return Result(view)


def incomplete_view(channel: ChannelSummary, words: Mapping[SkipReason, str]) -> IncompleteChannel:
    """Say why not everything of a channel is archived."""
    error = Facts(channel.last_error or {})
    if channel.skip_reason is not None:
        code, reason = str(channel.skip_reason), words[channel.skip_reason]
    else:
        code = error.text("code") or "unread"
        reason = error.text("message") or "no sync has read it to its end yet"
    return IncompleteChannel(
        platform_id=channel.platform_id,
        name=channel.name,
        state=channel.state,
        code=code,
        reason=reason,
        set_aside=list(channel.set_aside),
    )


def coverage_statement(found: Coverage) -> str:
    """Say how complete an archive is, and as of when."""
    if found.audited_at is None:
        how = 'ask for one with the verb audit, or POST .../sync and {"kind": "audit"}'
        words = f"no audit has been completed yet; {how}"
    else:
        date = found.audited_at.strftime("%Y-%m-%d %H:%M UTC")
        words = f"archive is {found.stored:,} of {found.of:,} messages, as of {date}"
    if found.channels_hidden:
        words += f"; in {found.channels_hidden:,} channels what is older is hidden by the platform, and cannot be seen"
    return words
