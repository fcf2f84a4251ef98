"""The call that leads to an archived file."""

import re
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from adapters.errors import ChannelUnreadable, PlatformError, RateLimited
from bot.api.endpoint import Endpoint, NoParameters, ResponseModel, Result
from bot.api.openapi import AnyEndpoint
from bot.api.problems import Problem
from bot.api.requests import FilePath
from bot.api.tenants import find_tenant
from bot.file_links import FileLinks, FileUnavailable
from storage.database import Database

_ADDRESS = re.compile(r"https?://[^\s/]")


class FileLinkView(ResponseModel):
    """Where a file is; the answer's `Location` says the same."""

    url: str = Field(description="Where the platform serves it.")
    url_expires_at: datetime | None = Field(description="Until when that works; null: for as long as it is there.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCalls:
    """Serves links to files that work. No file itself is fetched or kept."""

    db: Database
    links: FileLinks

    def endpoints(self) -> list[AnyEndpoint]:
        """Declare the calls."""
        return [
            Endpoint(
                method="GET",
                path="/api/tenants/{tenantId}/attachments/{attachmentId}",
                summary="Lead to an archived file where the platform serves it. A link that has expired is renewed by "
                "one request to the platform.",
                handler=self.show_file,
                params=FilePath,
                body=NoParameters,
                results={302: FileLinkView},
                problems={
                    410: "The link has expired, and the platform does not give another one.",
                    502: "The platform could not be asked for a new link.",
                },
            ),
        ]

    async def show_file(self, params: FilePath, _: NoParameters) -> Result:
        """Answer with a link that works for a minute at least."""
        tenant = await find_tenant(self.db, params.tenant_id)
        try:
            link = await self.links.link(tenant, params.attachment_id)
        except (FileUnavailable, ChannelUnreadable) as e:
            raise Problem(410, "file_unavailable", f"this file cannot be had any more: {e}") from e
        except RateLimited as e:
            detail = "the platform demands a pause before it gives a new link"
            raise Problem(503, e.code, detail, retry_after_seconds=int(e.retry_after_seconds) + 1) from e
        except PlatformError as e:
            raise Problem(502, e.code, f"a new link cannot be had at present: {e}", remedy=e.remedy) from e
        if link is None or not _ADDRESS.match(link.url):
            raise Problem(404, "no_such_file", f"there is no file {params.attachment_id} with a link in the archive")
        view = FileLinkView(url=link.url, url_expires_at=link.url_expires_at)
        return Result(view, 302, {"Location": link.url, "Referrer-Policy": "no-referrer"})
