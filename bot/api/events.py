"""The call that tells of jobs as they go on."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from bot.api.endpoint import RequestModel, parameters_of
from bot.api.presenter import Presenter
from bot.api.requests import TenantId
from bot.api.running import JobWatch
from bot.api.streams import Event, EventCall, EventStreams
from bot.api.tenants import find_tenant
from storage import jobs

_MOST_ENDED = 100  # between two looks; each running one that ends is found besides


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
                "answers: at first of each that runs or is next in the queue, then whenever it differs, and once it "
                "has ended.",
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
        self._sent: dict[str, str] = {}
        self._ended: set[str] | None = None  # of the newest; None before the first look, which sends none of them

    async def look(self) -> Sequence[Event]:
        """Return the jobs that are otherwise than they were sent last."""
        running = await (self._watch.look_at(self._tenant_id) if self._tenant_id else self._watch.look())
        shown = [each.view for each in running.jobs if each.view.job_id not in (self._ended or ())]
        views = {view.job_id: view.model_dump_json() for view in shown}
        for job in await self._just_ended(self._sent.keys() - views.keys()):
            views[job.id] = (await self._presenter.job(job)).model_dump_json()
        events = [Event("job", view) for job_id, view in views.items() if self._sent.get(job_id) != view]
        self._sent = {job_id: view for job_id, view in views.items() if job_id not in (self._ended or ())}
        return events

    async def _just_ended(self, gone: set[str]) -> Sequence[jobs.Job]:
        """Return the jobs that have ended since the last look, also those that had begun since then."""
        db = self._presenter.db
        newest = await jobs.list_jobs(db, tenant_id=self._tenant_id, only_finished=True, limit=_MOST_ENDED)
        found = {job.id: job for job in newest if self._ended is not None and job.id not in self._ended}
        for job_id in gone - found.keys():
            job = await jobs.get_job(db, job_id)
            if job is not None and job.finished_at is not None:
                found[job_id] = job
        self._ended = {job.id for job in newest} | found.keys()
        return [found[job_id] for job_id in sorted(found)]
