"""The tools that look at the archive as a whole: its channels, its figures, how complete it is."""

from dataclasses import dataclass
from datetime import datetime

from bot.api import chosen_days, coverage_statement, incomplete_view, span_of_days, unwritten_facts
from bot.mcp.answers import (
    ChannelAnswer,
    ChannelsAnswer,
    CoverageAnswer,
    GapAnswer,
    GroupAnswer,
    IncompleteAnswer,
    StatsAnswer,
)
from bot.mcp.archive import Archive, Refused
from bot.mcp.arguments import Channels, Coverage, GroupBy, Stats
from bot.mcp.messages import name_of
from bot.mcp.places import channel_of
from bot.mcp.wire import fitting, shortened
from bot.wording import GAPS_IN_WORDS, pseudonym, repairs_in_words
from storage import channels, reading, repair, tenants
from storage.reading import AuthorActivity, ChannelActivity, ReactionUse

_AT_ONCE = 200
_MOST_GAPS = 20
_MOST_TEXT = 200  # characters


@dataclass(frozen=True, slots=True)
class SurveyTools:
    """Looks at channels, figures and coverage."""

    archive: Archive

    async def channels(self, params: Channels) -> ChannelsAnswer:
        """List channels in the platform's order, or the threads of one, those that were first seen last at first."""
        tenant = await self.archive.tenant(params.tenant)
        standing = await self.archive.standing(tenant)
        if params.channel is None:
            ids, items = await self._top(tenant.id, params.cursor)
        else:
            parent = await self.archive.channel(tenant, params.channel)
            ids, items = await self._threads(tenant.id, parent.id, params.cursor)
        count = min(fitting(items), _AT_ONCE)
        is_cut = count < len(items)
        return ChannelsAnswer(
            **standing, cut=is_cut, cursor=str(ids[count - 1]) if is_cut else None, channels=items[:count]
        )

    async def _top(self, tenant_id: str, cursor: str | None) -> tuple[list[int], list[ChannelAnswer]]:
        words = self.archive.skip_words.of(tenant_id)
        tree = await channels.channel_tree(self.archive.db, tenant_id)
        ids = [one.summary.id for one in tree]
        if cursor is not None and int(cursor) not in ids:
            raise Refused("cursor: must be that of the answer before; begin again without one")
        first = ids.index(int(cursor)) + 1 if cursor is not None else 0
        return ids[first:], [channel_of(one.summary, words, one) for one in tree[first:]]

    async def _threads(
        self, tenant_id: str, channel_id: int, cursor: str | None
    ) -> tuple[list[int], list[ChannelAnswer]]:
        words = self.archive.skip_words.of(tenant_id)
        after = int(cursor) if cursor is not None else None
        found = await channels.thread_summaries(self.archive.db, channel_id, after=after, limit=_AT_ONCE + 1)
        return [one.id for one in found], [channel_of(one, words) for one in found]

    async def stats(self, params: Stats) -> StatsAnswer:
        """Count messages of some days by one thing."""
        tenant = await self.archive.tenant(params.tenant)
        standing = await self.archive.standing(tenant)
        since, until = chosen_days(params.since, params.until, self.archive.clock())
        first = int(params.cursor) if params.cursor is not None else 0
        if first > _MOST_GROUPS:
            raise Refused("cursor: must be that of the answer before; begin again without one")
        begin, end = span_of_days(since, until)
        items = (await self._groups(tenant.id, params.group_by, begin, end, first + _AT_ONCE + 1))[first:]
        count = min(fitting(items), _AT_ONCE)
        is_cut = count < len(items)
        return StatsAnswer(
            **standing,
            cut=is_cut,
            cursor=str(first + count) if is_cut else None,
            since=since,
            until=until,
            groups=items[:count],
        )

    async def _groups(
        self, tenant_id: str, group_by: GroupBy, since: datetime, until: datetime, most: int
    ) -> list[GroupAnswer]:
        db = self.archive.db
        if group_by is GroupBy.DAY:
            days = await reading.days_of_activity(db, tenant_id, since=since, until=until)
            return [GroupAnswer(key=day.day, messages=day.messages, authors=day.authors) for day in days]
        if group_by is GroupBy.HOUR:
            hours = await reading.hours_of_activity(db, tenant_id, since=since, until=until)
            return [GroupAnswer(key=f"{hour:02}:00", messages=hours.get(hour, 0)) for hour in range(24)]
        record = _RANKED[group_by]
        found = await reading.most_active(db, tenant_id, record, since=since, until=until, most=most)
        return [_group(one) for one in found]

    async def coverage(self, params: Coverage) -> CoverageAnswer:
        """Say how complete the archive is, and what is not."""
        db, tenant = self.archive.db, await self.archive.tenant(params.tenant)
        warning = (await unwritten_facts(db, tenant.id))["warning"]
        standing = await self.archive.standing(tenant, [warning] if warning else [])
        totals, found = await tenants.tenant_totals(db, tenant.id), await repair.coverage(db, tenant.id)
        if found is None:
            raise Refused(f"tenant: {tenant.id} is being removed")
        gaps = await repair.list_gaps(db, tenant.id)
        ids, items = await self._incomplete(tenant.id, params.cursor)
        count = min(fitting(items), _AT_ONCE)
        is_cut = count < len(items)
        return CoverageAnswer(
            **standing,
            cut=is_cut,
            cursor=str(ids[count - 1]) if is_cut else None,
            status=tenant.sync_status,
            last_sync_at=tenant.last_sync_at,
            messages=totals.messages,
            channels_archived=totals.channels_archived,
            channels_skipped=totals.channels_skipped,
            audit=coverage_statement(found),
            to_read_again=repairs_in_words(await repair.count_pending_ranges(db, tenant.id), gaps),
            gaps=[
                GapAnswer(why=GAPS_IN_WORDS[gap.reason], began_at=gap.began_at, ended_at=gap.ended_at)
                for gap in gaps[: -_MOST_GAPS - 1 : -1]
            ],
            incomplete=items[:count],
        )

    async def _incomplete(self, tenant_id: str, cursor: str | None) -> tuple[list[int], list[IncompleteAnswer]]:
        found = await channels.channel_summaries(
            self.archive.db,
            tenant_id,
            after=int(cursor) if cursor is not None else None,
            limit=_AT_ONCE + 1,
            only_incomplete=True,
        )
        words = self.archive.skip_words.of(tenant_id)
        views = (incomplete_view(each, words) for each in found)
        return [one.id for one in found], [
            IncompleteAnswer(id=v.platform_id, name=name_of(v.name), reason=shortened(v.reason, _MOST_TEXT))
            for v in views
        ]


_MOST_GROUPS = 1_000_000
_RANKED = {
    GroupBy.CHANNEL: ChannelActivity,
    GroupBy.AUTHOR: AuthorActivity,
    GroupBy.REACTION: ReactionUse,
}


def _group(found: AuthorActivity | ChannelActivity | ReactionUse) -> GroupAnswer:
    if isinstance(found, AuthorActivity):
        return GroupAnswer(key=pseudonym(found.author_hash), messages=found.messages)
    if isinstance(found, ChannelActivity):
        name = name_of(found.name)
        return GroupAnswer(key=found.channel_platform_id, name=name, messages=found.messages, authors=found.authors)
    return GroupAnswer(key=shortened(found.emoji, _MOST_TEXT), count=found.count)
