"""The call about the processes that share the archive: which run, what each does, and what nobody does."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.api.endpoint import Endpoint, NoParameters, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from storage import jobs, live, processes
from storage.database import Database
from storage.live import Lead
from storage.processes import KnownProcess

_PARTS = [{"discord": ["0/4", "1/4"]}]


class ProcessView(ResponseModel):
    """A process of this program that works on the archive."""

    id: str = Field(examples=["attic:4711:1f2e3d4c"])
    host: str = Field(description="The name of the machine that it runs on.")
    pid: int = Field(description="Its number on that machine.")
    version: str = Field(description="The version of the program.")
    address: str | None = Field(
        description="Where others reach its HTTP API; null: nowhere.", examples=["http://attic:8080"]
    )
    started_at: datetime
    seen_at: datetime = Field(description="When it last said that it runs, by the database's clock.")
    is_this: bool = Field(description="Whether it is the one that answers this call.")
    state: Literal["running", "away"] = Field(
        description="Whether it says so in time. One that is away is forgotten after an hour; one that was stopped, at "
        "once."
    )
    held: dict[str, list[str]] = Field(
        description="By platform the parts of the connection, such as shards, that it connects.", examples=_PARTS
    )
    leads: dict[str, list[str]] = Field(
        description="By platform the parts whose communities it archives: it has the lease.", examples=_PARTS
    )
    running_jobs: int = Field(description="How many syncs it runs.")


class ProcessList(ResponseModel):
    """All processes that work on the archive, the oldest first."""

    processes: list[ProcessView]
    unheld: dict[str, list[str]] = Field(
        description="By platform, of those that this process archives, the parts that no running process has the "
        "lease of: their communities wait.",
        examples=[{"discord": ["2/4"]}],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCalls:
    """Serves the list of processes; ``owner`` is this one, which archives ``platforms``."""

    db: Database
    owner: str
    platforms: Collection[str]

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the call."""
        return [
            Endpoint(
                method="GET",
                path="/api/processes",
                summary="The processes that share the archive: which run, what each does, and what nobody does.",
                handler=self.list_processes,
                params=NoParameters,
                body=NoParameters,
                results={200: ProcessList},
            )
        ]

    async def list_processes(self, _: NoParameters, __: NoParameters) -> Result:
        """List the processes."""
        return Result(await self.known())

    async def known(self) -> ProcessList:
        """Return the processes with what they do, by one query of each kind for all of them.

        Raises:
            StorageError: the database cannot be read.
        """
        known = await processes.list_processes(self.db)
        leads = _by_owner(await live.list_leads(self.db))
        running = await jobs.running_by_owner(self.db)
        views = [self._view(each, leads[each.process.id], running.get(each.process.id, 0)) for each in known]
        unheld = {name: parts for name, parts in leads[None].items() if name in self.platforms}
        return ProcessList(processes=views, unheld=unheld)

    def _view(self, known: KnownProcess, leads: dict[str, list[str]], running_jobs: int) -> ProcessView:
        process = known.process
        return ProcessView(
            id=process.id,
            host=process.host,
            pid=process.pid,
            version=process.version,
            address=process.address,
            started_at=process.started_at,
            seen_at=known.seen_at,
            is_this=process.id == self.owner,
            state="away" if known.is_away else "running",
            held={} if known.is_away else {name: sorted(held, key=_as_number) for name, held in process.held.items()},
            leads=leads,
            running_jobs=running_jobs,
        )


def _as_number(part: str) -> tuple[int, str]:
    """Return a key by which 2/16 comes before 10/16."""
    return len(part), part


def _by_owner(leads: Iterable[Lead]) -> defaultdict[str | None, dict[str, list[str]]]:
    found: defaultdict[str | None, dict[str, list[str]]] = defaultdict(dict)
    for lead in leads:
        found[lead.owner].setdefault(lead.platform, []).append(lead.part)
    return found
