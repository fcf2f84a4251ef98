"""The tool that searches, in the language of the search box."""

from dataclasses import dataclass

from bot.api import OfflineAnswers, Problem, SearchPage, SearchView
from bot.mcp.answers import MessagesAnswer
from bot.mcp.archive import Archive, Refused
from bot.mcp.arguments import Search
from bot.mcp.messages import MessageWriter
from bot.mcp.wire import fitting
from storage.tenants import Tenant

_MOST_TOLD = 500  # characters of why nothing was found


@dataclass(frozen=True, slots=True)
class SearchTool:
    """Searches."""

    archive: Archive

    async def search(self, params: Search) -> MessagesAnswer:
        """Find messages; where not all of a page fit, a page of fewer ends at a place to go on from."""
        tenant = await self.archive.tenant(params.tenant)
        standing = await self.archive.standing(tenant)
        writer, limit = MessageWriter(self.archive, tenant), params.limit
        while True:
            found = await self._found(tenant, params, limit)
            items = [writer.hit(hit) for hit in found.hits]
            if (count := fitting(items)) == len(items):
                break
            limit = count
        said = [*found.notices, *([f"Nothing was found: {found.nothing.detail}"] if found.nothing else [])]
        return MessagesAnswer(
            **standing | {"notes": [*(standing["notes"] or ()), *(note[:_MOST_TOLD] for note in said)] or None},
            cut=found.next_cursor is not None,
            cursor=found.next_cursor,
            messages=items,
        )

    async def _found(self, tenant: Tenant, params: Search, limit: int) -> SearchView:
        page = SearchPage.model_validate(
            {
                "tenantId": tenant.id,
                "q": params.query,
                "order": params.order,
                "cursor": params.cursor,
                "limit": limit,
            }
        )
        try:
            archive = self.archive
            answers = OfflineAnswers(db=archive.db, clock=archive.clock, skip_words=archive.skip_words)
            return await answers.search(page)
        except Problem as e:
            raise Refused(e.detail.replace("q: ", "query: ", 1) if e.detail.startswith("q: ") else e.detail) from e
