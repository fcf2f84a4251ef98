"""How a page says that a tenant stands, and when an open page is fetched again."""

from dataclasses import replace
from datetime import datetime

import pytest

from bot.api import TenantView
from bot.api.responses import TenantTotals
from bot.live import FollowedFigures
from bot.pages.events import Refreshes
from bot.pages.overview import Overview
from storage.repair import Gap, GapReason
from storage.tenants import SyncStatus
from tests.support.builders import HOUR, NOW

GAP = Gap(
    id=1,
    tenant_id="discord-1",
    reason=GapReason.OUTAGE,
    began_at=NOW - HOUR,
    ended_at=NOW,
    planned_at=None,
    repaired_at=None,
)
TENANT = TenantView(
    content_retention=None,
    id="discord-1",
    platform="discord",
    platform_id="1",
    name=None,
    sync_status=SyncStatus.OK,
    stopped_at=None,
    last_sync_at=NOW,
    last_successful_sync_at=NOW,
    next_sync_at=None,
    process=None,
    invite_url=None,
    hint=None,
    warning=None,
    events_unwritten=0,
    totals=TenantTotals(channels=1, channels_archived=0, channels_skipped=1, messages=0),
)
OVERVIEW = Overview(
    tenant=TENANT,
    following=FollowedFigures(is_here=True, channels=0, of=0, proven_until=None, threads_proven_until=None),
    coverage=None,
    gaps=[],
    newest=None,
    ended=None,
)


@pytest.mark.parametrize(
    ("status", "stopped_at", "gaps", "words"),
    [
        (SyncStatus.OK, None, [], "synced"),
        (SyncStatus.OK, None, [GAP], "synced, with gaps to be read again"),
        (SyncStatus.OK, NOW, [GAP], "stopped"),
        (SyncStatus.PARTIAL, None, [GAP], "partial"),
    ],
)
def test_a_tenant_with_gaps_is_not_shown_as_if_it_were_whole(
    status: SyncStatus, stopped_at: datetime | None, gaps: list[Gap], words: str
) -> None:
    tenant = TENANT.model_copy(update={"sync_status": status, "stopped_at": stopped_at})
    sign = replace(OVERVIEW, tenant=tenant, gaps=gaps).sign
    assert (sign.words, sign.tone == "good") == (words, words == "synced")


def test_a_tenant_without_archived_channels_does_not_wait_for_a_sync_to_read_them() -> None:
    assert OVERVIEW.live_sign.words == "no channel is archived"
    never = TENANT.model_copy(update={"last_successful_sync_at": None})
    assert replace(OVERVIEW, tenant=never).live_sign.words.startswith("not followed yet")
    one = replace(OVERVIEW.following, of=1)
    assert replace(OVERVIEW, following=one).live_sign.words.startswith("not followed yet")


def test_a_page_is_fetched_again_at_once_but_not_for_each_of_many_jobs() -> None:
    now = 100.0
    refreshes = Refreshes(lambda: now)
    due = []
    for version in (*range(11), *[10] * 20):  # a job begins or ends every second, then none
        if refreshes.is_due(version):
            due.append(now)
        now += 1
    assert due == [101, 106, 111, 126]
