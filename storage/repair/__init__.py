"""Gaps, what is to be read again because of them, and audits."""

from storage.repair.audit import (
    count_stored,
    finish_audit,
    settle_audit,
)
from storage.repair.audit_report import (
    ChannelAudit,
    Coverage,
    audits_due,
    channel_audits,
    coverage,
)
from storage.repair.gaps import (
    Gap,
    GapReason,
    add_gap,
    close_gap,
    gaps_page,
    last_gap_end,
    list_gaps,
    prune_gaps,
    record_gap,
    settle_gaps,
)
from storage.repair.model import (
    PageOutcome,
    RefetchKind,
    RefetchRange,
)
from storage.repair.plan import (
    plan_refetches,
    request_audit,
)
from storage.repair.queries import (
    count_pending_ranges,
    pending_ranges,
)
from storage.repair.reconcile import (
    reconcile_page,
)
from storage.repair.sample import (
    Difference,
    Sample,
    differences,
    newest_sample,
)

__all__ = [
    "ChannelAudit",
    "Coverage",
    "Difference",
    "Gap",
    "GapReason",
    "PageOutcome",
    "RefetchKind",
    "RefetchRange",
    "Sample",
    "add_gap",
    "audits_due",
    "channel_audits",
    "close_gap",
    "count_pending_ranges",
    "count_stored",
    "coverage",
    "differences",
    "finish_audit",
    "gaps_page",
    "last_gap_end",
    "list_gaps",
    "newest_sample",
    "pending_ranges",
    "plan_refetches",
    "prune_gaps",
    "reconcile_page",
    "record_gap",
    "request_audit",
    "settle_audit",
    "settle_gaps",
]
