"""The HTTP API: shows how the archive stands and takes requests for syncs. It enqueues; it never syncs."""

from bot.api.audits import coverage_statement, incomplete_view
from bot.api.endpoint import NoParameters, RequestModel, errors_of, parameters_of, read_body
from bot.api.job_responses import CreatedJob, JobView
from bot.api.offline import OfflineAnswers
from bot.api.presenter import Facts, Presenter, job_view
from bot.api.problems import Problem
from bot.api.processes import ProcessList, ProcessView
from bot.api.reading import chosen_days, find_channel, span_of_days
from bot.api.reading_requests import ChannelId, Day, MessageId
from bot.api.requests import JobPath, SearchPage, SyncRequest, TenantCursor, TenantId, TenantPath
from bot.api.responses import ChannelView, TenantView
from bot.api.retention import retention_of
from bot.api.running import JobWatch, Running
from bot.api.search_responses import HitView, SearchView
from bot.api.server import (
    AddressInUse,
    Api,
    serve,
)
from bot.api.site import Site
from bot.api.streams import Event, EventStreams
from bot.api.sync import channel_view
from bot.api.tenants import find_tenant
from bot.api.unwritten import unwritten_facts

__all__ = [
    "AddressInUse",
    "Api",
    "ChannelId",
    "ChannelView",
    "CreatedJob",
    "Day",
    "Event",
    "EventStreams",
    "Facts",
    "HitView",
    "JobPath",
    "JobView",
    "JobWatch",
    "MessageId",
    "NoParameters",
    "OfflineAnswers",
    "Presenter",
    "Problem",
    "ProcessList",
    "ProcessView",
    "RequestModel",
    "Running",
    "SearchPage",
    "SearchView",
    "Site",
    "SyncRequest",
    "TenantCursor",
    "TenantId",
    "TenantPath",
    "TenantView",
    "channel_view",
    "chosen_days",
    "coverage_statement",
    "errors_of",
    "find_channel",
    "find_tenant",
    "incomplete_view",
    "job_view",
    "parameters_of",
    "read_body",
    "retention_of",
    "serve",
    "span_of_days",
    "unwritten_facts",
]
