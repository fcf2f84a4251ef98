"""The call that sends a tenant's messages as one file."""

import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.api.downloads import Download, Sent
from bot.api.problems import Problem
from bot.api.requests import TenantPath
from bot.api.tenants import find_tenant
from bot.export import FORMATS, ExportFormat, FormatUnavailable, NotOneChannel, stream_export
from storage.database import Database
from storage.errors import UnknownChannel
from storage.export import ExportSelection

_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?$"
_AUTHOR = r"^[0-9a-f]{8,64}$"


def _as_time(value: object) -> object:
    """Make a time of a text; in UTC where it names no zone."""
    try:
        if isinstance(value, str) and re.fullmatch(_TIME[1:-1], value, re.ASCII):
            at = datetime.fromisoformat(value)
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError("must be a day or a time, as in 2026-11-01 or 2026-11-01T18:30:00Z")


def _as_pseudonym(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_AUTHOR[1:-1], value, re.ASCII):
        raise ValueError("must be a pseudonym: its 64 digits, or at least the first 8 of them (0-9, a-f)")
    return value


def _as_one_file(value: object) -> object:
    if value == ExportFormat.HTML:
        raise ValueError("html is a folder of pages: platform-sync export TENANT --format html --output DIR writes it")
    return value


_Time = Annotated[datetime, BeforeValidator(_as_time)]
_Channel = Annotated[
    str, Field(pattern="^[A-Za-z0-9._-]{1,64}$", description="Only this channel with its threads, or this category.")
]


class ExportQuery(TenantPath):
    """Which messages are sent, and as what."""

    format: Annotated[
        Literal["jsonl", "csv", "parquet", "dce-json"],
        BeforeValidator(_as_one_file),
        Field(description="`dce-json` takes one channel. As `html`, a folder, only the command `export` writes."),
    ] = "jsonl"
    channel: _Channel | None = None
    since: Annotated[_Time, Field(description="Only messages sent then or later (UTC).")] | None = None
    until: Annotated[_Time, Field(description="Only messages sent before (UTC).")] | None = None
    author: (
        Annotated[
            Annotated[str, Field(pattern=_AUTHOR)],
            BeforeValidator(_as_pseudonym),
            Field(description="Only this person's: the pseudonym, or at least its first 8 digits."),
        ]
        | None
    ) = None
    include_deleted: Annotated[bool, Field(description="Whether deleted messages are sent, too.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCalls:
    """Serves exports."""

    db: Database

    def downloads(self) -> list[Download[ExportQuery]]:
        """Declare the calls."""
        return [
            Download(
                path="/api/tenants/{tenantId}/export",
                summary="A tenant's messages as one file, as of one instant. Of JSON Lines the last line says that the "
                "file is whole; any other format that is cut off ends without the end of its chunks.",
                handler=self.export_messages,
                params=ExportQuery,
                content_types=tuple(form.content_type for form in FORMATS.values()),
                problems={
                    404: "There is no such tenant or channel.",
                    429: "Other downloads are under way.",
                    501: "A library that the format needs is not installed.",
                },
            )
        ]

    async def export_messages(self, query: ExportQuery) -> Sent:
        """Begin to send an export."""
        tenant = await find_tenant(self.db, query.tenant_id)
        _require_some_time(query)
        selection = ExportSelection(
            tenant_id=tenant.id,
            channels=(query.channel,) if query.channel else (),
            since=query.since,
            until=query.until,
            author=query.author,
            include_deleted=query.include_deleted,
        )
        name = ExportFormat(query.format)
        form = FORMATS[name]
        return Sent(
            parts=_parts(self.db, selection, name),
            content_type=form.content_type,
            filename=f"{tenant.id}{f'.{query.channel}' if query.channel else ''}.{form.suffix}",
        )


def _require_some_time(query: ExportQuery) -> None:
    if query.since and query.until and query.since >= query.until:
        detail = "must be before until"
        errors = [{"field": "since", "detail": detail}]
        raise Problem(400, "invalid_query", f"since: {detail}", errors=errors)


async def _parts(db: Database, selection: ExportSelection, form: ExportFormat) -> AsyncIterator[bytes]:
    try:
        async with aclosing(stream_export(db, selection, form)) as parts:  # type: ignore[type-var] # a generator
            async for part in parts:
                yield part
    except UnknownChannel as e:
        raise Problem(404, "no_such_channel", str(e)) from e
    except NotOneChannel as e:
        errors = [{"field": "channel", "detail": "must be the id of a channel or thread that holds messages"}]
        raise Problem(400, "invalid_query", f"channel: {e}", errors=errors) from e
    except FormatUnavailable as e:
        raise Problem(501, "format_unavailable", str(e)) from e
