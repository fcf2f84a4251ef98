"""The commands about syncs: how the archive stands, what runs, and requests for more or less of it.

Exit statuses: 0 all is well; 1 something needs a person, or a job did not succeed; 2 wrong usage; 3 no daemon answers;
75 the platform said stop, and the next sync goes on by itself; 78 the configuration is wrong.
"""

import json
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from bot import app as daemon
from bot import standing, tables
from bot.api import CreatedJob, JobView, TenantView
from bot.cli import FAILED, ConfigFile, app, leave, run_verb, set_up_logs, settings_of, skip_words
from bot.config import Config
from bot.daemon_calls import DaemonCalls, DaemonUnreachable, path_of
from bot.following import follow_job
from bot.standing import Answers, DaemonState

NO_DAEMON = 3
COMES_BY_ITSELF = 75  # EX_TEMPFAIL
_ENDS = {"succeeded": 0, "rate_limited": COMES_BY_ITSELF}
_OF_AUDIT = (
    "statement",
    "stored",
    "of",
    "missing",
    "changed",
    "deleted",
    "audited_at",
    "requested_at",
    "ranges_left",
)
_SHORT = "read from the archive: no daemon answers, so nothing is archived now"

AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, as the API has it.")]
OfTenant = Annotated[str, typer.Argument(metavar="TENANT", help="As in discord-<guild id>; 'status' lists them.")]
Wait = Annotated[bool, typer.Option("--wait", help="Follow the job to its end, and exit by that.")]


@app.command()
def status(
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Only this one, more closely.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show how the archive stands. Exit status 1: something needs a person; 3: no daemon runs; otherwise 0."""
    settings = _settings(config)

    async def show() -> int:
        async with _answers(settings) as (answers, state):
            found = [one for one in await answers.tenants() if tenant in (None, one.id)]
            if tenant is not None and not found:
                leave(f"there is no tenant {tenant}; 'status' alone lists them", FAILED)
            coverage = await answers.coverage(tenant) if tenant else None
        if as_json:
            _write({"daemon": _daemon_json(state), "tenants": [_plain(one) for one in found], "coverage": coverage})
        else:
            tables.say(f"daemon at {state.url}: {state.unready or 'ready'}" if state else _SHORT)
            tables.show_tenants(found)
            if coverage:
                tables.say(coverage)
        return _status_of(found, state)

    _end(show())


@app.command()
def jobs(
    job_id: Annotated[str | None, typer.Argument(metavar="[JOB]", help="Only this one; exits by its end.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only of this one, as in discord-<guild id>.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List the newest jobs. With one job: exit status 1 where it ended badly, 75 where it was rate limited."""
    settings = _settings(config)

    async def show() -> int:
        async with _answers(settings) as (answers, _):
            one = await answers.job(job_id) if job_id else None
            if job_id and one is None:
                leave(f"there is no job {job_id}; 'jobs' alone lists them", FAILED)
            if tenant and tenant not in {each.id for each in await answers.tenants()}:
                leave(f"there is no tenant {tenant}; 'status' lists them", FAILED)
            found = [one] if one else await answers.jobs(tenant, limit)
        if as_json:
            _write(_plain(one) if one else [_plain(job) for job in found])
        else:
            tables.show_jobs(found)
        return _end_of(one) if one else 0

    _end(show())


@app.command()
def sync(tenant: OfTenant, wait: Wait = False, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Sync a tenant now. Exit status with --wait: 0 succeeded, 75 rate limited, 1 any other end; 3: no daemon."""
    _end(_request(_settings(config), tenant, "manual", wait=wait, as_json=as_json))


@app.command()
def audit(tenant: OfTenant, wait: Wait = False, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Read all of a tenant again and compare. Exit status as of 'sync', and 1 where something is not archived."""
    _end(_request(_settings(config), tenant, "audit", wait=wait, as_json=as_json))


@app.command()
def cancel(
    job_id: Annotated[str, typer.Argument(metavar="JOB", help="Its id; 'jobs' lists them.")],
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Cancel a job: a waiting one at once, a running one at its next safe point. Exit status 1: it had ended."""
    settings = _settings(config)

    async def stop() -> int:
        async with standing.required_daemon(settings) as calls:
            path = path_of("api", "jobs", job_id)
            had_ended = standing.as_model(JobView, await calls.get(path)).finished_at is not None
            job = standing.as_model(JobView, await calls.delete(path))
        is_cancelled = not had_ended and (job.finished_at is None or job.status.value == "cancelled")
        if as_json:
            _write(_plain(job))
        else:
            at = "at its next safe point" if job.finished_at is None else "now"
            tables.say(f"{job.job_id}: cancelled {at}" if is_cancelled else f"{job.job_id}: it had {job.status} before")
        return 0 if is_cancelled else FAILED

    _end(stop())


async def _request(settings: Config, tenant: str, kind: str, *, wait: bool, as_json: bool) -> int:
    async with standing.required_daemon(settings) as calls:
        answer = await calls.post(path_of("api", "tenants", tenant, "sync"), {"kind": kind})
        created = standing.as_model(CreatedJob, answer)
        if not as_json:
            before = "" if created.created else ", asked for before"
            tables.say(f"{created.job_id}: {created.status}{before}")
        if created.hint:
            typer.echo(created.hint, err=True)
        job = await follow_job(calls, created) if wait else created
        found = await _audited(calls, job) if kind == "audit" else None
    if as_json:
        _write(_plain(job) | ({"coverage": found} if found else {}))
    elif wait:
        tables.show_jobs([job])
        if found:
            tables.say(found["statement"])
    return _end_of(job) or (end_of_audit(found, created.queued_at) if found else 0)


def end_of_audit(found: dict[str, Any], since: datetime) -> int:
    """Return the exit status by what the coverage says of an audit that was asked for at a time."""
    audited_at = datetime.fromisoformat(found["audited_at"]) if found["audited_at"] else None
    if found["requested_at"] or found["ranges_left"] or audited_at is None or audited_at < since:
        said = "the audit that was asked for is not done yet: the next sync begins it or goes on with it"
        typer.echo(said if audited_at is None else f"{said}; the figures are of the one before", err=True)
        return COMES_BY_ITSELF
    return FAILED if found["stored"] < found["of"] else 0


async def _audited(calls: DaemonCalls, job: JobView) -> dict[str, Any] | None:
    """Return what the audits found, in figures and in words, once a sync that may have made one has succeeded."""
    if job.status.value != "succeeded":
        return None
    coverage = await calls.get(path_of("api", "tenants", job.tenant_id, "coverage"), limit="1")
    return {name: coverage[name] for name in _OF_AUDIT}


def _settings(config: Any) -> Config:
    settings = settings_of(config)
    set_up_logs(settings)
    return settings


@asynccontextmanager
async def _answers(settings: Config) -> AsyncIterator[tuple[Answers, DaemonState | None]]:
    choice = settings.hasher.choice
    async with standing.answers_of(
        settings, hash_choice=choice, clock=daemon.utc_now, skip_words=skip_words()
    ) as found:
        yield found


def _status_of(tenants: list[TenantView], state: DaemonState | None) -> int:
    needs_a_person = [one for one in tenants if one.hint and not one.stopped_at and one.sync_status != "rate_limited"]
    if needs_a_person or (state is not None and state.unready is not None):
        return FAILED
    return 0 if state else NO_DAEMON


def _end_of(job: JobView) -> int:
    return _ENDS.get(job.status.value, FAILED) if job.finished_at else 0


def _end(verb: Coroutine[Any, Any, int]) -> None:
    """Run a verb, and exit by the status that it returns."""

    async def with_daemon() -> int:
        try:
            return await verb
        except DaemonUnreachable as e:
            leave(str(e), NO_DAEMON)

    async def ended() -> None:
        if found := await with_daemon():
            raise typer.Exit(found)

    run_verb(ended())


def _plain(model: BaseModel) -> Any:
    return model.model_dump(mode="json")


def _daemon_json(state: DaemonState | None) -> dict[str, str | None] | None:
    return {"url": state.url, "unready": state.unready} if state else None


def _write(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
