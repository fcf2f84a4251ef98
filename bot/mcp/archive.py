"""What an assistant's arguments name in the archive, and until when what is there is proven."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from bot.api import retention_of
from bot.skip_words import SkipWords
from storage import jobs, reading, tenants
from storage.database import Database
from storage.jobs import JobStatus
from storage.reading import ShownChannel
from storage.tenants import Tenant

_MOST_NAMED = 20
_UNPROVEN = "No whole sync is on record: what is missing here may exist."


class Refused(Exception):
    """What was requested cannot be answered; the message says why, and what would be right."""


class Standing(TypedDict):
    """The fields of an answer that say of whom it is, and of when."""

    tenant: str
    as_of: datetime
    proven_until: datetime | None
    notes: list[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The archive as an assistant may see it.

    ``site`` is the address of this server's pages, empty where it is not known; ``message_urls`` make the links to
    the platforms themselves, by the platform's name; ``skip_words`` are those of the platforms; with ``only`` nothing
    is told of other tenants.
    """

    db: Database
    clock: Callable[[], datetime]
    site: str
    message_urls: Mapping[str, Callable[[str, str, str], str]]
    skip_words: SkipWords
    only: str | None

    async def tenant(self, given: str | None) -> Tenant:
        """Find the tenant that is meant.

        Raises:
            Refused: there is none such, or it has to be named.
        """
        wanted = given or self.only
        if wanted and self.only in (None, wanted):
            found = await tenants.get_tenant(self.db, wanted)
            if found is not None and found.purged_at is None:
                return found
        if self.only is not None:
            raise Refused(f"tenant: this server answers about {self.only} alone, if that is archived")
        known = await tenants.list_tenants(self.db, limit=_MOST_NAMED + 1)
        if not known:
            raise Refused("nothing is archived yet")
        if wanted is None and len(known) == 1:
            return known[0]
        wrong = f"there is no tenant {wanted}" if wanted else "there are several"
        raise Refused(f"tenant: {wrong}; name one of {_listed(tenant.id for tenant in known)}")

    async def standing(self, tenant: Tenant, notes: Iterable[str] = ()) -> Standing:
        """Say until when a tenant's archive is proven: what was sent before the last whole sync was requested.

        Call it before the answer is read.
        """
        done = await jobs.list_jobs(self.db, tenant_id=tenant.id, status=JobStatus.SUCCEEDED, limit=1)
        removal = await retention_of(self.db, tenant.id)
        said = [*notes, *([] if done else [_UNPROVEN]), *([removal.detail] if removal else [])]
        return Standing(
            tenant=tenant.id,
            as_of=self.clock(),
            proven_until=done[0].queued_at if done else None,
            notes=said or None,
        )

    async def channel(self, tenant: Tenant, given: str, *, is_thread: bool = False) -> ShownChannel:
        """Find a channel, or a thread, by its id or its name; a channel before a thread of the same name.

        Raises:
            Refused: there is none, or more than one.
        """
        wanted = given.strip().removeprefix("#")
        found = await reading.channels_called(self.db, tenant.id, wanted)
        of_type = [one for one in found if (one.type == "thread") is is_thread]
        found = of_type if is_thread else of_type or found
        found = [one for one in found if one.platform_id == wanted] or found
        field, what = ("thread", "thread or post") if is_thread else ("channel", "channel")
        if not found:
            raise Refused(f"{field}: {tenant.id} has no {what} of this id or name; the tool channels lists them")
        if len(found) > 1:
            raise Refused(f"{field}: several have this name; give the id of one: {_listed(map(_described, found))}")
        return found[0]

    async def channel_of_message(self, tenant: Tenant, message_id: str) -> ShownChannel:
        """Find where a message is archived.

        Raises:
            Refused: it is not.
        """
        found = await reading.channel_holding(self.db, tenant.id, message_id)
        if found is None:
            raise Refused(f"message: {message_id} is not archived in {tenant.id}; search gives ids of messages")
        return found

    def original(self, tenant: Tenant, channel_id: str, message_id: str) -> str | None:
        """Return where the platform itself shows a message; None where that is not known."""
        address = self.message_urls.get(tenant.platform)
        return address(tenant.platform_id, channel_id, message_id) if address else None


def _described(channel: ShownChannel) -> str:
    parent = f" in {channel.parent_platform_id}" if channel.parent_platform_id else ""
    return f"{channel.platform_id} ({channel.type}{parent})"


def _listed(names: Iterable[str]) -> str:
    *shown, last = list(names)
    return ", ".join([*shown[:_MOST_NAMED], "..." if len(shown) >= _MOST_NAMED else last])
