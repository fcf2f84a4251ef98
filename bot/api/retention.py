"""What is said of content that has had its time: up to when it is gone, and how far its removal is."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.api.endpoint import ResponseModel
from storage import retention
from storage.database import Database
from storage.retention import Retention

_BEGINNING = "Of messages sent before {before:%Y-%m-%d} (UTC) nothing that they said is kept"
_STATES = {
    "removing": "; {left:,} messages stored earlier are still to be looked at.",
    "cleaning": "; the bytes of what was removed last are still to be taken out of the archive's files.",
    "done": ".",
}


class RetentionView(ResponseModel):
    """Up to when a tenant's content has had its time. The messages themselves, their reactions and figures stay."""

    content_removed_before: datetime = Field(
        description="Of messages sent before, no text, file, embed or poll is kept, and none is found by a search."
    )
    state: Literal["removing", "cleaning", "done"] = Field(
        description="Whether it is still being removed from rows that were stored earlier (`removing`), or on SQLite "
        "from the bytes of the files (`cleaning`). None is stored any more in either case."
    )
    messages_left: int = Field(description="How many messages are still to be looked at.")
    messages_emptied: int = Field(description="Of how many messages something was removed after it had been stored.")
    removed_at: datetime | None = Field(description="When the removal last ended.")
    detail: str = Field(description="The same in words.")


async def retention_of(db: Database, tenant_id: str) -> RetentionView | None:
    """Present how far the removal of content is in a tenant; None where content is kept whatever its age."""
    return (await retentions_of(db, [tenant_id])).get(tenant_id)


async def retentions_of(db: Database, tenant_ids: Sequence[str]) -> dict[str, RetentionView]:
    """Present how far the removal of content is in each of some tenants where any is removed."""
    found = await retention.retentions_of(db, tenant_ids)
    return {tenant_id: _view(known, known.content_before) for tenant_id, known in found.items() if known.content_before}


def _view(known: Retention, before: datetime) -> RetentionView:
    state = _state_of(known)
    return RetentionView(
        content_removed_before=before,
        state=state,
        messages_left=known.messages_left,
        messages_emptied=known.messages_emptied,
        removed_at=known.swept_at,
        detail=(_BEGINNING + _STATES[state]).format(before=before, left=known.messages_left),
    )


def _state_of(known: Retention) -> Literal["removing", "cleaning", "done"]:
    if not known.is_swept:
        return "removing"
    return "done" if known.is_clean else "cleaning"
