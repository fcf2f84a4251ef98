"""The call that searches a tenant's archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from adapters.records import AuthorKind, ChannelType, SkipReason
from bot.api.endpoint import Endpoint, NoParameters, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.requests import SearchPage, SuggestionsFor
from bot.api.search_responses import (
    Highlight,
    HitView,
    IndexView,
    Nothing,
    Place,
    SearchView,
    SuggestionList,
    SuggestionView,
    Unread,
)
from bot.api.tenants import find_tenant
from bot.links import message_link
from bot.search import Found, Searcher
from bot.search_query import BadQuery
from bot.search_suggestions import suggest
from bot.skip_words import SkipWords
from bot.wording import counted, pseudonym
from storage.database import Database
from storage.errors import QueryTooLong
from storage.search import BadCursor, Explanation, Hit, NoIndex, Order, Page, UnclearFilter

_ALL_PRESENT = "each word is in some message, but never all that was asked for in one"
_PRESENT = "the word is in some message, but in none that fits all of what was asked for"
_ONLY_FILTERS = "no message fits all of what was asked for"
_GONE: tuple[Literal["opted_out", "forgotten", "content_removed"], ...] = ("opted_out", "forgotten", "content_removed")
_SWITCHED_OFF = "words cannot be searched for: search.enabled is false, or the index is not made yet; filters work"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCalls:
    """Serves searches."""

    db: Database
    searcher: Searcher
    skip_words: SkipWords

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/search",
                summary='Messages by words, "phrases", beginnings* and filters: from, in, thread, before, after, '
                "during, has, mentions, reaction, type, deleted, edited, pinned, near; a minus before one excludes it. "
                "Deleted messages only with `deleted:true`, or `deleted:any`.",
                handler=self.search,
                params=SearchPage,
                body=NoParameters,
                results={200: SearchView},
                problems={409: "Words are searched for, and there is no index of them."},
            ),
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/search/suggestions",
                summary="What may be typed next into the search box: filters and their values, channels, pseudonyms.",
                handler=self.suggest,
                params=SuggestionsFor,
                body=NoParameters,
                results={200: SuggestionList},
            ),
        ]

    async def search(self, params: SearchPage, _: NoParameters) -> Result:
        """Answer with a page of hits."""
        tenant = await find_tenant(self.db, params.tenant_id)
        try:
            found = await self.searcher.search(
                tenant.id, params.q, order=params.order, cursor=params.cursor, limit=params.limit
            )
        except BadQuery as e:
            raise _wrong("q", str(e)) from e
        except UnclearFilter as e:
            candidates = f": {', '.join(e.candidates)}" if e.candidates else ""
            raise _wrong("q", f"{e.field}: {e.detail}{candidates}", list(e.candidates)) from e
        except BadCursor as e:
            raise _wrong("cursor", "must be the next_cursor of the page before") from e
        except NoIndex as e:
            raise Problem(409, "search_disabled", _SWITCHED_OFF) from e
        except QueryTooLong as e:
            raise Problem(503, "query_too_long", "the search took too long; the database is busy") from e
        return Result(_view(found, params.order, self.db.dialect, self.skip_words.of(tenant.id)))

    async def suggest(self, params: SuggestionsFor, _: NoParameters) -> Result:
        """Answer with continuations of a query."""
        tenant = await find_tenant(self.db, params.tenant_id)
        try:
            found = await suggest(self.db, tenant.id, params.q.replace("\0", " "))
        except QueryTooLong:  # none are better than late ones
            found = []
        views = [SuggestionView(text=each.text, meaning=each.meaning) for each in found]
        return Result(SuggestionList(suggestions=views))


def _wrong(name: str, detail: str, candidates: list[str] | None = None) -> Problem:
    more = {"candidates": candidates} if candidates else {}
    errors = [{"field": name, "detail": detail}]
    return Problem(400, "invalid_query", f"{name}: {detail}", errors=errors, **more)


def _view(found: Found, wanted: Order, dialect: str, skip_words: Mapping[SkipReason, str]) -> SearchView:
    page, index = found.page, found.page.index
    return SearchView(
        hits=[_hit(hit) for hit in page.hits],
        next_cursor=page.next_cursor,
        order=page.order,
        complete=not page.is_cut,
        searched_until=page.searched_until,
        notices=notices_of(found.page, wanted, dialect),
        index=IndexView(kind=index.kind, ready=index.is_ready, percent=index.percent),
        nothing=_nothing(found.explanation, found.mistyped, skip_words) if found.explanation else None,
    )


_BUILT = {
    "sqlite": "older messages may be missing",
    "postgresql": "each message is looked at, and a search is slow until then",
}


def notices_of(page: Page, wanted: Order, dialect: str) -> list[str]:
    """Tell what the reader of a page should know.

    Args:
        page: the page.
        wanted: the order that was asked for.
        dialect: of which database, as SQLAlchemy calls it.
    """
    notices = []
    if wanted is Order.RELEVANCE and page.order is not wanted:
        notices.append("there are too many hits to compare them by relevance, or no words: the newest come first")
    if page.is_cut and page.searched_until:
        notices.append(f"the time limit ended the search at {page.searched_until:%Y-%m-%d %H:%M UTC}; go on from there")
    elif page.is_cut and page.order is Order.RELEVANCE and page.next_cursor is None:
        notices.append("by now there are too many hits to go on by relevance: search for more words, or by time")
    elif page.is_cut:
        notices.append("the time limit ended the search before anything was looked at: give more letters or words")
    if page.index.kind is not None and not page.index.is_ready:
        notices.append(f"the index is still being built ({page.index.percent} %): {_BUILT[dialect]}")
    return notices


def _nothing(why: Explanation, meant: Mapping[str, str], skip_words: Mapping[SkipReason, str]) -> Nothing:
    absent = [term.text for term in why.absent]
    unread = [
        Unread(
            platform_id=channel.platform_id,
            name=channel.name,
            type=ChannelType(channel.type),
            skip_reason=channel.skip_reason,
            skipped_since=channel.skipped_since,
            explanation=skip_words[channel.skip_reason],
        )
        for channel in why.unread
    ]
    words = [f'no message holds "{text}"' for text in absent]
    words += [f'whether any message holds "{term.text}" is not known at present' for term in why.unknown]
    words += [f"{typed}: is no filter, and was searched for as a word; {near}: is one" for typed, near in meant.items()]
    words = words or [_ALL_PRESENT if why.present > 1 else _PRESENT if why.present else _ONLY_FILTERS]
    words += [f"{counted(why.unread_total, 'channel')} not archived"] if why.unread_total else []
    if why.content_before:
        words.append(f"what was said before {why.content_before:%Y-%m-%d} (UTC) is not kept")
    return Nothing(
        absent_words=absent,
        unread_channels=unread,
        unread_channels_total=why.unread_total,
        content_removed_before=why.content_before,
        detail="; ".join(words),
    )


def _hit(hit: Hit) -> HitView:
    return HitView(
        id=str(hit.id),
        platform_id=hit.platform_id,
        tenant_id=hit.tenant_id,
        channel=Place(
            platform_id=hit.channel_platform_id,
            name=hit.channel_name,
            type=ChannelType(hit.channel_type),
            parent_platform_id=hit.parent_platform_id,
            parent_name=hit.parent_name,
        ),
        author=pseudonym(hit.author_hash) if hit.author_hash else None,
        author_hash=hit.author_hash,
        author_kind=AuthorKind(hit.author_kind),
        type=hit.type,
        sent_at=hit.sent_at,
        edited_at=hit.edited_at,
        deleted_at=hit.deleted_at,
        content=hit.content,
        gone=next((mark for mark in _GONE if mark in hit.metadata), None),
        highlights=[Highlight(start=span.start, length=span.length) for span in hit.highlights],
        reply_to_channel_platform_id=hit.reply_to_channel_platform_id,
        reply_to_message_platform_id=hit.reply_to_message_platform_id,
        files=hit.files,
        reactions=hit.reactions,
        link=message_link(hit.tenant_id, hit.channel_platform_id, hit.platform_id),
    )
