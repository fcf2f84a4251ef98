"""What the API would answer about tenants and jobs, read from the archive where no daemon runs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.api.audits import coverage_statement
from bot.api.endpoint import NoParameters
from bot.api.job_responses import JobView
from bot.api.presenter import Presenter
from bot.api.requests import SearchPage
from bot.api.responses import TenantView
from bot.api.search import SearchCalls
from bot.api.search_responses import SearchView
from bot.search import Searcher
from bot.skip_words import SkipWords
from storage import jobs, repair, tenants
from storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineAnswers:
    """Reads an archive without a daemon: no next syncs are known, and nothing is live."""

    db: Database
    clock: Callable[[], datetime]
    skip_words: SkipWords

    @property
    def _presenter(self) -> Presenter:
        return Presenter(db=self.db, adapters={}, next_sync_at=lambda _: None, clock=self.clock, slots=1)

    async def tenants(self) -> list[TenantView]:
        """Return all tenants that there are, by id."""
        found: list[TenantView] = []
        async for page in tenants.tenant_pages(self.db):
            found += await self._presenter.tenants(page)
        return found

    async def jobs(self, tenant_id: str | None, limit: int) -> list[JobView]:
        """Return the newest jobs, of one tenant or of all."""
        return await self._presenter.jobs(await jobs.list_jobs(self.db, tenant_id=tenant_id, limit=limit))

    async def job(self, job_id: str) -> JobView | None:
        """Return one job; None where there is none."""
        job = await jobs.get_job(self.db, job_id)
        return await self._presenter.job(job) if job else None

    async def coverage(self, tenant_id: str) -> str | None:
        """Return in words how complete a tenant's archive is; None where there is no such tenant."""
        found = await repair.coverage(self.db, tenant_id)
        return coverage_statement(found) if found else None

    async def search(self, asked: SearchPage) -> SearchView:
        """Find messages.

        Raises:
            Problem: what is searched for cannot be read, or not be found out.
        """
        calls = SearchCalls(db=self.db, searcher=Searcher(self.db), skip_words=self.skip_words)
        return SearchView.model_validate((await calls.search(asked, NoParameters())).body)
