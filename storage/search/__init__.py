"""The door to searching the archive."""

from storage.search.index import IndexKind, IndexState, continue_index, index_state, prepare_index

__all__ = ["IndexKind", "IndexState", "continue_index", "index_state", "prepare_index"]
