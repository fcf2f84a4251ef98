"""The call that follows jobs as they go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from bot.api.endpoint import RequestModel, parameters_of
from bot.api.job_responses import JobView
from bot.api.presenter import Presenter
from bot.api.requests import TenantId
from bot.api.running import JobWatch
from bot.api.streams import Event, EventCall, EventStreams
from bot.api.tenants import find_tenant
from storage import jobs

_MARGIN = timedelta(seconds=2)  # what is shown first may be a second old
_LONG_AGO = timedelta(minutes=1)


class EventsQuery(RequestModel):
    """Whose jobs are followed; of all tenants where none is named."""

    tenant_id: TenantId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCalls:
    """Serves the progress of jobs."""

    presenter: Presenter
    watch: JobWatch
    streams: EventStreams

    def event_calls(self) -> list[EventCall]:
        """Declare the call."""
        return [
            EventCall(
                path="/api/events",
                summary="The jobs as they go on, as server-sent events. A `job` event holds what `/api/jobs/{jobId}` "
                "answers: at first of each that runs or is next in the queue (of very many the first ones), then "
                "whenever it differs, and once it has ended.",
                handler=self.stream_events,
                params=EventsQuery,
                problems={404: "There is no such tenant."},
            )
        ]

    async def stream_events(self, request: web.Request) -> web.StreamResponse:
        """Follow the jobs until the caller goes, or the process stops."""
        tenant_id = parameters_of(request, EventsQuery).tenant_id
        if tenant_id is not None:
            await find_tenant(self.presenter.db, tenant_id)
        return await self.streams.send(request, _Following(self.presenter, self.watch, tenant_id).look)


class _Following:
    """The jobs that one listener follows."""

    def __init__(self, presenter: Presenter, watch: JobWatch, tenant_id: str | None) -> None:
        self._presenter = presenter
        self._watch = watch
        self._tenant_id = tenant_id
        self._began_at = presenter.clock() - _MARGIN
        self._sent: dict[str, str] = {}  # the unfinished jobs, as they were sent last
        self._reported: set[str] = set()  # jobs whose end was reported

    async def look(self) -> Sequence[Event]:
        """Return the jobs that are otherwise than they were sent last."""
        running = await (self._watch.look_at(self._tenant_id) if self._tenant_id else self._watch.look())
        shown = {each.view.job_id: each.view for each in running.jobs}
        ended = await self._just_ended(running.ended, self._sent.keys() - shown.keys())
        self._reported |= ended.keys()
        views = {job_id: view.model_dump_json() for job_id, view in shown.items() if job_id not in self._reported}
        events = [Event("job", view) for job_id, view in views.items() if self._sent.get(job_id) != view]
        self._sent = views
        return [*events, *(Event("job", view.model_dump_json()) for view in ended.values())]

    async def _just_ended(self, newest: Sequence[jobs.Job], gone: set[str]) -> dict[str, JobView]:
        """Present the jobs whose end was not reported yet, also those that begin and end between two looks."""
        since = max(self._began_at, self._presenter.clock() - _LONG_AGO)  # others come up again where jobs are deleted
        found = {job.id: job for job in newest if job.finished_at and job.finished_at >= since}
        self._reported &= found.keys() | self._sent.keys()
        for job_id in gone - found.keys():
            job = await jobs.get_job(self._presenter.db, job_id)
            if job is not None and job.finished_at is not None:
                found[job_id] = job
        return {job_id: await self._presenter.job(found[job_id]) for job_id in sorted(found.keys() - self._reported)}
