"""How the archive stands and what runs, by the daemon where one answers, otherwise by the archive itself."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from bot.api import JobView, OfflineAnswers, SearchPage, SearchView, TenantView
from bot.config import Config
from bot.daemon_calls import DaemonCalls, DaemonRefused, DaemonUnreachable, daemon_of, path_of
from bot.skip_words import SkipWords
from storage.database import open_for_reading

_PAGE = "200"
_START = "start it with 'platform-sync run' (in a checkout './run'), with the configuration that this command has"
A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """A daemon that answers, and why it cannot work at present, if it cannot."""

    url: str
    unready: str | None


class Answers(Protocol):
    """What can be asked with a daemon and without one. A tenant's is its id, as in discord-<guild id>."""

    async def tenants(self) -> list[TenantView]:
        """Return all tenants."""

    async def jobs(self, tenant_id: str | None, limit: int) -> list[JobView]:
        """Return the newest jobs, the newest first; at most 200."""

    async def job(self, job_id: str) -> JobView | None:
        """Return one job; None where there is none."""

    async def coverage(self, tenant_id: str) -> str | None:
        """Return in words how complete a tenant's archive is."""

    async def search(self, asked: SearchPage) -> SearchView:
        """Find messages."""


@dataclass(frozen=True, slots=True)
class DaemonAnswers:
    """Asks a daemon."""

    daemon: DaemonCalls

    async def tenants(self) -> list[TenantView]:
        """Return all tenants, page by page."""
        found, query = list[TenantView](), {"limit": _PAGE}
        while True:
            page = await self.daemon.get("/api/tenants", **query)
            found += [as_model(TenantView, tenant) for tenant in page["tenants"]]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    async def jobs(self, tenant_id: str | None, limit: int) -> list[JobView]:
        """Return the newest jobs."""
        query = {"limit": str(limit)} | ({"tenant_id": tenant_id} if tenant_id else {})
        return [as_model(JobView, job) for job in (await self.daemon.get("/api/jobs", **query))["jobs"]]

    async def job(self, job_id: str) -> JobView | None:
        """Return one job; an unknown one is refused with what would be right."""
        return as_model(JobView, await self.daemon.get(path_of("api", "jobs", job_id)))

    async def coverage(self, tenant_id: str) -> str | None:
        """Return in words how complete a tenant's archive is."""
        return str((await self.daemon.get(path_of("api", "tenants", tenant_id, "coverage"), limit="1"))["statement"])

    async def search(self, asked: SearchPage) -> SearchView:
        """Find messages."""
        query = {"q": asked.q, "order": asked.order.value, "limit": str(asked.limit)}
        return as_model(
            SearchView, await self.daemon.get(path_of("api", "tenants", asked.tenant_id, "search"), **query)
        )


def as_model(model: type[A], values: Any) -> A:
    """Read a part of an answer.

    Raises:
        DaemonRefused: the daemon is of another version than this command.
    """
    try:
        return model.model_validate(values)
    except ValidationError as e:
        message = "the daemon's answer is not of this version: use the command of the version that runs"
        raise DaemonRefused(message) from e


@asynccontextmanager
async def answers_of(
    config: Config, *, hash_choice: str, clock: Callable[[], datetime], skip_words: SkipWords
) -> AsyncIterator[tuple[Answers, DaemonState | None]]:
    """Find who answers, and how the daemon is; None where none answers and the archive is read.

    Raises:
        StorageError: without a daemon: the archive cannot be read, or there is none.
    """
    async with AsyncExitStack() as opened:
        try:
            daemon = await opened.enter_async_context(daemon_of(config))
            state = DaemonState(url=daemon.url, unready=await daemon.unready())
        except DaemonUnreachable:
            db = await open_for_reading(config.database.url, hash_choice=hash_choice)
            opened.push_async_callback(db.close)
            yield OfflineAnswers(db=db, clock=clock, skip_words=skip_words), None
        else:
            yield DaemonAnswers(daemon), state


@asynccontextmanager
async def required_daemon(config: Config) -> AsyncIterator[DaemonCalls]:
    """Find the daemon for what only it can do.

    Raises:
        DaemonUnreachable: none answers; the message says how to start it.
    """
    async with AsyncExitStack() as opened:
        try:
            daemon = await opened.enter_async_context(daemon_of(config))
        except DaemonUnreachable as e:
            raise DaemonUnreachable(f"{e}: {_START}") from None
        yield daemon
