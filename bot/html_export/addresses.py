"""Where links of exported pages lead to: to other pages of the folder, and only to what was taken along."""

from dataclasses import dataclass

from bot.html_export.plan import Plan, address, bound_of
from bot.pages import Addresses, LinkedMessage, web_address
from storage.export import ExportSelection
from storage.reading import ShownAttachment


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderAddresses(Addresses):
    """Leads from a page to others; ``up`` is the way from its folder to that of the export."""

    plan: Plan
    selection: ExportSelection
    up: str
    files_expire: bool = True

    def channel(self, channel_id: str) -> str | None:
        """Return the first page of a channel; of a forum, which has none, the list of its posts."""
        planned = self.plan.channels.get(channel_id)
        return self.up + address(planned.file(0)) if planned else self.threads(channel_id)

    def thread(self, thread_id: str) -> str | None:
        """Return the first page of a thread."""
        return self.channel(thread_id)

    def threads(self, channel_id: str) -> str | None:
        """Return the list of a channel's threads."""
        folder = self.plan.folders.get(channel_id)
        return f"{self.up}{address(folder)}/threads.html" if folder else None

    def message(self, channel_id: str, message_id: str, known: LinkedMessage | None) -> str | None:
        """Return where a message is on its page; None where it was not taken along, or is not known."""
        planned = self.plan.channels.get(channel_id)
        if planned is None or known is None or known.sent_at is None or not self._is_taken(known):
            return None
        page = planned.file(planned.index_of(bound_of(known.sent_at, message_id)))
        return f"{self.up}{address(page)}#m-{message_id}"

    def beside(self, channel_id: str, thread_id: str, message_id: str | None = None) -> None:
        """Say that nothing stands beside: pages do not change."""

    def file(self, file: ShownAttachment) -> str | None:
        """Return the platform's address of a file, as it is archived."""
        return web_address(file.url)

    def _is_taken(self, known: LinkedMessage) -> bool:
        chosen, at = self.selection, known.sent_at
        if at is None or (chosen.since and at < chosen.since) or (chosen.until and at >= chosen.until):
            return False
        return chosen.takes(known)
