"""Threads and posts coming, resting and going, with the gateway's events.

https://docs.discord.com/developers/topics/threads
"""

from collections.abc import Iterable

from adapters.discord.simulator.message_changes import MessageChanges
from adapters.discord.simulator.message_payloads import HAS_THREAD, STARTER, message, nested, reference
from adapters.discord.simulator.model import POST_TYPES, PRIVATE_THREAD, Channel, Guild, User
from adapters.discord.simulator.payloads import thread_payload
from adapters.discord.simulator.store import Payload


class ThreadChanges(MessageChanges):
    """Opening, archiving, waking and deleting threads."""

    def create_thread(
        self,
        parent_id: int,
        name: str,
        content: str = "",
        owner_id: int | None = None,
        *,
        from_message: int | None = None,
        private: bool = False,
        tags: Iterable[int] = (),
        silent: bool = False,
    ) -> Channel:
        """Open a thread; in a forum or media channel this is a post, whose first message has its id."""
        guild, parent = self._place(parent_id)
        now, owner = self._tick(), self._member_or_bot(guild, owner_id)
        thread = Channel(
            id=self.world.ids.take() if from_message is None else from_message,
            guild_id=guild.id,
            type=PRIVATE_THREAD if private else 10 if parent.type == 5 else 11,
            name=name,
            parent_id=parent_id,
            owner_id=owner.id,
            create_timestamp=now,
            archive_timestamp=now,
            applied_tags=list(tags),
            member_ids=[owner.id],
            invitable=True if private else None,
        )
        guild.threads[thread.id] = thread
        event_data = thread_payload(guild, thread) | {"newly_created": True}
        self._dispatch_to_viewers("THREAD_CREATE", guild, thread, event_data, silent)
        if parent.type in POST_TYPES:
            self._open_post(guild, parent, thread, owner, content, silent)
        elif from_message is not None:
            self._hang_on_message(guild, parent, thread, owner, silent)
        elif not private:
            notice = reference(thread.id, guild_id=guild.id)
            self.post(parent_id, name, owner.id, kind=18, message_reference=notice, silent=silent)
        return thread

    def _open_post(
        self, guild: Guild, parent: Channel, thread: Channel, owner: User, content: str, silent: bool
    ) -> None:
        parent.last_message_id = thread.id
        self._add(guild, thread, message(thread.id, thread.id, owner, content), owner, silent)
        thread.message_count = 0  # Discord leaves the initial message out

    def _hang_on_message(self, guild: Guild, parent: Channel, thread: Channel, owner: User, silent: bool) -> None:
        original = parent.messages.get(thread.id)
        if original is None:
            raise KeyError(f"no message {thread.id} in channel {parent.id}")
        shown = {"thread": thread_payload(guild, thread), "flags": original["flags"] | HAS_THREAD}
        self._change(parent.id, thread.id, shown, silent)
        starter = message(
            self.world.ids.take(),
            thread.id,
            owner,
            kind=STARTER,
            message_reference=reference(parent.id, thread.id, guild.id),
            referenced_message=nested(original),
        )
        self._add(guild, thread, starter, owner, silent)
        thread.message_count = 0

    def archive_thread(self, thread_id: int, *, locked: bool = False, silent: bool = False) -> None:
        """Put a thread to rest."""
        guild, thread = self._place(thread_id)
        thread.archived, thread.locked = True, locked
        thread.archive_timestamp = self._tick()
        self._dispatch_to_viewers("THREAD_UPDATE", guild, thread, thread_payload(guild, thread), silent)

    def unarchive_thread(self, thread_id: int, *, silent: bool = False) -> None:
        """Bring a thread back to the active ones."""
        guild, thread = self._place(thread_id)
        self._tick()
        thread.locked = False
        self._unarchive(guild, thread, silent)

    def delete_thread(self, thread_id: int, *, silent: bool = False) -> None:
        """Delete a thread with its messages."""
        guild, thread = self._place(thread_id)
        self._tick()
        event_data: Payload = {
            "id": str(thread.id),
            "guild_id": str(guild.id),
            "parent_id": str(thread.parent_id),
            "type": thread.type,
        }
        self._dispatch_to_viewers("THREAD_DELETE", guild, thread, event_data, silent)
        del guild.threads[thread_id]
