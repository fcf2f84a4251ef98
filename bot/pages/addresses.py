"""Where what is shown leads to: on the pages of the server, or in a folder of pages that is read without one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from storage.reading import ShownAttachment


class LinkedMessage(Protocol):
    """What is known of a message that is linked to."""

    @property
    def author_hash(self) -> str | None:
        """Who wrote it."""

    @property
    def sent_at(self) -> datetime | None:
        """When; None where it is not archived."""

    @property
    def deleted_at(self) -> datetime | None:
        """Since when it is known to be deleted."""


class Addresses(Protocol):
    """Gives addresses; None: there is nothing to lead to. Ids are the platform's."""

    files_expire: bool
    """Whether the addresses of files are the platform's, which hold for a while."""

    def channel(self, channel_id: str) -> str | None:
        """Return where a channel is read."""

    def thread(self, thread_id: str) -> str | None:
        """Return where a thread is read, from its first message on."""

    def threads(self, channel_id: str) -> str | None:
        """Return where all threads of a channel are listed."""

    def message(self, channel_id: str, message_id: str, known: LinkedMessage | None) -> str | None:
        """Return where a message is shown among its neighbours; ``known`` is what is known of it."""

    def beside(self, channel_id: str, thread_id: str, message_id: str | None = None) -> str | None:
        """Return where a thread is open beside its channel, at one of the channel's messages."""

    def file(self, file: ShownAttachment) -> str | None:
        """Return where a file is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAddresses(Addresses):
    """Leads to the server's pages of one tenant, and to its files by links that never die."""

    tenant_id: str
    files_expire: bool = False

    def channel(self, channel_id: str) -> str:
        """Return where a channel is read, at its newest messages."""
        return f"/tenants/{self.tenant_id}/channels/{channel_id}"

    def thread(self, thread_id: str) -> str:
        """Return where a thread is read, from its first message on."""
        return f"{self.channel(thread_id)}?first=true"

    def threads(self, channel_id: str) -> str:
        """Return where all threads of a channel are listed."""
        return f"{self.channel(channel_id)}/threads"

    def message(self, channel_id: str, message_id: str, known: LinkedMessage | None = None) -> str:
        """Return a message's permanent link; the page says it where it is not archived."""
        return f"{self.channel(channel_id)}?at={message_id}#m-{message_id}"

    def beside(self, channel_id: str, thread_id: str, message_id: str | None = None) -> str:
        """Return where a thread is open beside its channel."""
        return f"{self.channel(channel_id)}?beside={thread_id}{f'&at={message_id}' if message_id else ''}"

    def file(self, file: ShownAttachment) -> str:
        """Return the link that is renewed when it is requested."""
        return f"/api/tenants/{self.tenant_id}/attachments/{file.platform_id}"
