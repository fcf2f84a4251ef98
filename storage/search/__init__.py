"""The door to searching the archive."""

from storage.search.cursors import CURSOR_PATTERN
from storage.search.explanation import Explanation, UnreadChannel, explain
from storage.search.index import IndexKind, IndexState, continue_index, index_state, prepare_index
from storage.search.model import (
    BadCursor,
    Field,
    Filter,
    Has,
    Hit,
    NoIndex,
    Order,
    Page,
    SearchQuery,
    Span,
    Term,
    TimeSpan,
    UnclearFilter,
)
from storage.search.pages import search
from storage.search.suggestions import suggest_authors, suggest_channels

__all__ = [
    "CURSOR_PATTERN",
    "BadCursor",
    "Explanation",
    "Field",
    "Filter",
    "Has",
    "Hit",
    "IndexKind",
    "IndexState",
    "NoIndex",
    "Order",
    "Page",
    "SearchQuery",
    "Span",
    "Term",
    "TimeSpan",
    "UnclearFilter",
    "UnreadChannel",
    "continue_index",
    "explain",
    "index_state",
    "prepare_index",
    "search",
    "suggest_authors",
    "suggest_channels",
]
