"""What callers send: the path and query parameters of each call, and the bodies."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, create_model

from adapters.base import PlatformAdapter
from bot.api.endpoint import RequestModel
from bot.search_query import LONGEST_QUERY
from storage.jobs import JobKind, JobStatus
from storage.search import CURSOR_PATTERN, Order

A = TypeVar("A", bound=RequestModel)

_TENANT = r"^[a-z]+-[A-Za-z0-9]{1,64}$"
_TENANT_HELP = "A tenant: its platform, a hyphen, and its id there, like `discord-<guild id>`."
_TENANT_EXAMPLES = ["discord-1098765432109876543"]
_JOB = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_JOB_EXAMPLES = ["019adf2c-5b1e-7000-8a4b-2f1c9d0e7a11"]
_FILE = r"^[A-Za-z0-9._-]{1,64}$"
_NUMBER = r"^(0|[1-9][0-9]{0,17})$"
_NEXT = "Where the page before ended: its `next_cursor`."
_NO_CURSOR = "must be the next_cursor of the page before"


def _shaped(pattern: str, words: str) -> BeforeValidator:
    """Replace a pattern's error by a description in words."""

    def check(value: object) -> object:
        if isinstance(value, str) and not re.search(pattern, value):
            raise ValueError(words)
        return value

    return BeforeValidator(check)


def _with_platform(value: object) -> object:
    """Reject a bare community id with a message that shows how a tenant is named."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,64}", value):
        raise ValueError(f"is an id without its platform: say discord-{value}, or whichever platform it is of")
    return value


TenantId = Annotated[
    str,
    Field(pattern=_TENANT, description=_TENANT_HELP, examples=_TENANT_EXAMPLES),
    _shaped(_TENANT, f"must be a platform, a hyphen and an id there, as in {_TENANT_EXAMPLES[0]}"),
    BeforeValidator(_with_platform),
]
"""A tenant's id."""

TenantCursor = Annotated[str, Field(pattern=_TENANT, description=_NEXT), _shaped(_TENANT, _NO_CURSOR)]
"""The last tenant of the page before."""

_Job = Annotated[
    str,
    Field(pattern=_JOB, description="A job: its `job_id`.", examples=_JOB_EXAMPLES),
    _shaped(_JOB, f"must be the job_id of a job, as in {_JOB_EXAMPLES[0]}"),
]
_Limit = Annotated[int, Field(ge=1, le=200, description="How many of them a page holds at most.")]
_NumberCursor = Annotated[str, Field(pattern=_NUMBER, description=_NEXT), _shaped(_NUMBER, _NO_CURSOR)]


class TenantPath(RequestModel):
    """A tenant's path."""

    tenant_id: Annotated[TenantId, Field(alias="tenantId")]


class FilePath(TenantPath):
    """An archived file's path."""

    attachment_id: Annotated[
        str,
        Field(alias="attachmentId", pattern=_FILE, description="A file, by the platform's id of it."),
        _shaped(_FILE, "must be the platform's id of a file"),
    ]


class JobPath(RequestModel):
    """A job's path."""

    job_id: Annotated[_Job, Field(alias="jobId")]


class TenantPage(RequestModel):
    """A page of tenants."""

    cursor: TenantCursor | None = None
    limit: _Limit = 100


class Removal(TenantPath):
    """How far a tenant is to be removed."""

    purge: Annotated[bool, Field(description="Whether its archive is deleted, too. This cannot be undone.")] = False


class ChannelPage(TenantPath):
    """A page of a tenant's channels."""

    cursor: _NumberCursor | None = None
    limit: _Limit = 100


class GapPage(TenantPath):
    """A page of a tenant's gaps."""

    cursor: _NumberCursor | None = None
    limit: _Limit = 100


class JobPage(RequestModel):
    """A page of jobs, of all or of chosen ones."""

    tenant_id: TenantId | None = None
    status: Annotated[JobStatus, Field(strict=False, description="Only jobs of this status.")] | None = None
    kind: Annotated[JobKind, Field(strict=False, description="Only jobs of this kind.")] | None = None
    cursor: Annotated[str, Field(pattern=_JOB, description=_NEXT), _shaped(_JOB, _NO_CURSOR)] | None = None
    limit: _Limit = 100


class SearchPage(TenantPath):
    """A page of hits."""

    q: Annotated[
        str,
        Field(
            max_length=LONGEST_QUERY,
            description="What is searched for, as in the one search box.",
            examples=['deploy "on friday" has:link'],
        ),
    ] = ""
    order: Annotated[
        Order, Field(strict=False, description="In which order the hits are shown; a `cursor` keeps that of its page.")
    ] = Order.NEWEST
    cursor: (
        Annotated[str, Field(pattern=CURSOR_PATTERN, description=_NEXT), _shaped(CURSOR_PATTERN, _NO_CURSOR)] | None
    ) = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many hits a page holds at most.")] = 25


class SuggestionsFor(TenantPath):
    """What was typed into the search box so far."""

    q: Annotated[str, Field(max_length=LONGEST_QUERY, description="All of it.", examples=["deploy in:#ge"])] = ""


class QueuePage(RequestModel):
    """A page of the queue."""

    cursor: _NumberCursor | None = None
    limit: _Limit = 100


class RequestPage(RequestModel):
    """A page of what people requested; the cursor counts those of the pages before."""

    cursor: _NumberCursor | None = None
    limit: _Limit = 100


class NewTenant(RequestModel):
    """A community to keep the history of."""

    platform: str = Field(description="Where it is.", examples=["discord"])
    platform_id: str = Field(
        description="Its id there: of Discord the guild id.",
        examples=["1098765432109876543"],
    )
    name: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="What to call it until the platform names it.", examples=["Rust users"]
    )


def of_platforms(model: type[A], adapters: Mapping[str, PlatformAdapter], id_field: str) -> type[A]:
    """Narrow a model to the platforms that there are, and its id to the form that their ids have."""
    platforms: Any = Literal.__getitem__(tuple(sorted(adapters)))
    is_person = id_field == "user_id"
    patterns = "|".join(sorted({a.user_id_pattern if is_person else a.id_pattern for a in adapters.values()}))
    described = model.model_fields[id_field]
    an_id = Field(pattern=f"^(?:{patterns})$", description=described.description, examples=described.examples)
    fields: Any = {"platform": (platforms, Field(description="Where it is.", examples=sorted(adapters)[:1]))}
    fields[id_field] = (str, an_id)
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, **fields)


class RequestedKind(StrEnum):
    """The kinds of sync that can be requested."""

    MANUAL = "manual"
    AUDIT = "audit"


class SyncRequest(RequestModel):
    """Which kind of sync; it may be left out."""

    kind: Annotated[RequestedKind, Field(strict=False)] = Field(
        default=RequestedKind.MANUAL,
        description="`manual`: everything new since the last one, at once. `audit`: after that everything archived is "
        "read again and compared with what the platform has, behind all other syncs; `/coverage` shows the result.",
    )


class NewErasure(RequestModel):
    """Whose traces are to be removed."""

    platform: Annotated[str, Field(description="Where the person is.", examples=["discord"])]
    user_id: str = Field(description="Their id there; it is not stored.", examples=["80351110224678912"])
    tenant_id: TenantId | None = None


class NewOptOut(NewErasure):
    """Whose later messages are not to be stored."""

    erase: bool = Field(
        default=False, description="Remove also what they wrote before, as far as `/api/forgotten-users` does."
    )


class OptIn(NewErasure):
    """Whose opt-outs are to end: the one of a tenant, or without `tenant_id` all of theirs."""
