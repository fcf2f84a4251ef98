"""Gaps, what is to be read again because of them, and audits."""

from storage.repair.audit import (
    finish_audit,
)
from storage.repair.audit_report import (
    ChannelAudit,
    Coverage,
    RepairFigures,
    audits_due,
    channel_audits,
    coverage,
    repair_figures,
)
from storage.repair.gaps import (
    Gap,
    GapReason,
    add_gap,
    close_gap,
    list_gaps,
    record_gap,
    settle_gaps,
)
from storage.repair.model import (
    Repair,
    RepairKind,
)
from storage.repair.plan import (
    plan_repairs,
    request_audit,
)
from storage.repair.queries import (
    pending_ranges,
)
from storage.repair.reconcile import (
    PageOutcome,
    save_page,
)
from storage.repair.refetch import (
    add_refetches,
    refetch,
    refetch_in_channel,
)

__all__ = [
    "ChannelAudit",
    "Coverage",
    "Gap",
    "GapReason",
    "PageOutcome",
    "Repair",
    "RepairFigures",
    "RepairKind",
    "add_gap",
    "add_refetches",
    "audits_due",
    "channel_audits",
    "close_gap",
    "coverage",
    "finish_audit",
    "list_gaps",
    "pending_ranges",
    "plan_repairs",
    "record_gap",
    "refetch",
    "refetch_in_channel",
    "repair_figures",
    "request_audit",
    "save_page",
    "settle_gaps",
]
