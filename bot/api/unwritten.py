"""What is said of live events that could not be written: how many, and what that means."""

from collections.abc import Sequence
from typing import TypedDict

from pydantic import Field

from bot.api.endpoint import ResponseModel
from storage import unwritten
from storage.database import Database

_ONE = "An event of a message could not be written, so the message may not be archived as it is on the platform. "
_MORE = (
    "{count:,} events of messages could not be written, so these messages may not be archived as they are on the "
    "platform. "
)
_NEXT = (
    "The next sync reads the messages again; one that cannot be stored even then is tried once a day. The table "
    "unwritten_events names the messages and the reasons."
)


class UnwrittenFacts(ResponseModel):
    """What the archive may lack because live events could not be written."""

    events_unwritten: int = Field(
        description="Live events that could not be written and whose messages are not settled yet: a message counts "
        "once for each kind of event."
    )
    warning: str | None = Field(description="What that means, in words; null: every event was written or settled.")


class UnwrittenFields(TypedDict):
    """Those of ``UnwrittenFacts``."""

    events_unwritten: int
    warning: str | None


async def unwritten_facts(db: Database, tenant_id: str) -> UnwrittenFields:
    """Return the fields of ``UnwrittenFacts`` for a tenant."""
    return (await unwritten_facts_of(db, [tenant_id]))[tenant_id]


async def unwritten_facts_of(db: Database, tenant_ids: Sequence[str]) -> dict[str, UnwrittenFields]:
    """Return the fields of ``UnwrittenFacts`` for each of some tenants."""
    return {tenant_id: _facts(count) for tenant_id, count in (await unwritten.open_entries_of(db, tenant_ids)).items()}


def _facts(count: int) -> UnwrittenFields:
    words = _ONE if count == 1 else _MORE.format(count=count)
    return UnwrittenFields(events_unwritten=count, warning=words + _NEXT if count else None)
