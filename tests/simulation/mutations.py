"""Safeguards of the daemon, each switched off by the test: the simulation is worth what it finds of these.

This is the one place where our own code is patched: the daemon has no switch for any of it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.evaluation import GuildEvaluation
from adapters.discord.gateway.shard import Shard
from adapters.events import MessageEdited, MessagesDeleted
from adapters.pages import Access
from bot.live import LiveWriter
from bot.live.buffer import ChannelEvent, LiveBuffer
from bot.live.followed import FollowedChannels
from bot.live.followed_tenant import FollowedTenant
from bot.live.tracker import ChangeTracker
from bot.outcome import Outcome
from bot.sync.messages import ChannelReader
from bot.sync.pages import Answer, read_behind
from storage.channels import advance, save_threads
from storage.jobs import JobStatus
from storage.messages import save_batch
from storage.privacy import Redactor

Switch = Callable[[], AbstractContextManager[object]]


def _last_word(self: LiveBuffer, tenant_id: str, channel: Any, received_at: Any, *, is_new: bool = False) -> None:
    event = ChannelEvent(channel, received_at)
    self._channels[not event.is_hidden][tenant_id].pop(channel.platform_id, None)
    self._channels[event.is_hidden][tenant_id][channel.platform_id] = event


async def _nothing(*_: Any, **__: Any) -> None: ...


def _off(*targets: str, by: Any = _nothing) -> Switch:
    """Return what replaces these names, wherever they were imported to, until its block ends."""

    def switch() -> AbstractContextManager[object]:
        stack = ExitStack()
        for target in targets:
            stack.enter_context(patch(target, by))
        return stack

    return switch


async def _checkpoint_first(db: Any, batch: Any, now: Any) -> None:
    newest = batch.messages[-1]
    async with db.writing() as connection:
        place = {"message_id": newest.platform_id, "sent_at": newest.sent_at}
        await advance(connection, batch.job, batch.channel_id, **place, written=(), now=now)
    await save_batch(db, batch, now)


def _believing(module: str) -> Switch:
    """Let every empty page be believed as it is."""

    async def believe(*args: Any, **options: Any) -> Answer:
        return replace(await read_behind(*args, **options), is_proven=True)

    return _off(f"{module}.read_behind", by=believe)


def _deaf_to(*kinds: type) -> Switch:
    submit = LiveWriter.submit

    def deaf(self: LiveWriter, platform: str, event: Any) -> None:
        if not isinstance(event, kinds):
            submit(self, platform, event)

    return lambda: patch.object(LiveWriter, "submit", deaf)


def _without_head() -> AbstractContextManager[object]:
    read = ChannelReader._read

    async def trusting(self: ChannelReader, tracker: Any) -> bool:
        return True if self.state.head_id is None else await read(self, tracker)

    return patch.object(ChannelReader, "_read", trusting)


async def _all_but_one(db: Any, tenant: Any, parent: Any, threads: Any, *args: Any, **options: Any) -> None:
    await save_threads(db, tenant, parent, threads[1:], *args, **options)


async def _none(*_: Any, **__: Any) -> int:
    return 0


async def _up_to_now(db: Any, platform: str, owner: str, watermarks: Any, now: Any) -> None:
    from storage.live import advance_watermark

    await advance_watermark(db, platform, owner, dict.fromkeys(watermarks, now), now)


def _any_stream(self: FollowedChannels, tenant_id: str) -> FollowedTenant | None:
    if (stream := self._stream_of(tenant_id)) is None:
        return None
    first = FollowedTenant(stream_id=stream.id, known_since=self._clock())
    return self._tenants.setdefault(tenant_id, first)


def _read_or_not() -> AbstractContextManager[object]:
    begin = FollowedChannels.begin

    def begin_all(self: FollowedChannels, tenant_id: str, listing: Any, *, seen_at: float, **_: Any) -> None:
        begin(self, tenant_id, listing, unread=set(), seen_at=seen_at)

    return patch.object(FollowedChannels, "begin", begin_all)


async def _from_the_cache(self: GuildEvaluation) -> Access:
    return Access(frozenset(map(str, self._client.readable_channels(self._guild_id))))


def _of_progress(_: Any, __: Any) -> Outcome:
    return Outcome(JobStatus.SUCCEEDED)


_REQUIRING_ARCHIVED = "storage.messages.batch.require_archived", "storage.repair.reconcile.require_archived"
_REOPENING_SKIPPED = "storage.channels.skip.reopen_skipped", "storage.channels.listed.reopen_skipped"
ALL: dict[str, Switch] = {
    "the checkpoint before the rows": _off("storage.messages.save_batch", by=_checkpoint_first),
    "an empty page ends a channel": _believing("bot.sync.messages"),
    "an empty page deletes": _believing("bot.sync.repairs"),
    "an event after the page is lost": lambda: patch.object(ChangeTracker, "changed_since", lambda *_: set()),
    "no gap is recorded": _off("storage.repair.record_gap"),
    "events are taken for written": _off("bot.live.following.advance_watermark", by=_up_to_now),
    "an erasure is forgotten": lambda: patch.object(Redactor, "__bool__", lambda _: False),
    "blanks go over content": lambda: _blanks(),
    "a channel without a head is empty": _without_head,
    "a stream is followed into another": lambda: patch.multiple(
        FollowedChannels, current=_any_stream, _within=lambda self, tenant_id, _: self.current(tenant_id)
    ),
    "what was not read is followed": _read_or_not,
    "heads are not compared": _off("bot.sync.reading.is_contradicted", by=_none),
    "a rate limit is ignored": _off("storage.tenants.defer_until"),
    "reactions taken back are kept": _off("storage.reactions.users.delete_users"),
    "a hidden channel is written": _off(*_REQUIRING_ARCHIVED),
    "shown again is never hidden": lambda: patch.object(LiveBuffer, "add_channel", _last_word),
    "a thread of a listing is lost": _off("storage.channels.save_threads", by=_all_but_one),
    "edits are not heard": _deaf_to(MessageEdited),
    "deletions are not heard": _deaf_to(MessagesDeleted),
    "every end is a success": lambda: patch.object(Outcome, "of_progress", classmethod(_of_progress)),
    "permission from the cache": lambda: patch.object(GuildEvaluation, "access", _from_the_cache),
    "missing events are passed over": lambda: patch.object(Shard, "_may_go_on", lambda *_: True),
    "ready while deaf": lambda: patch.object(DiscordAdapter, "unready_reason", None),
    "gaps are repaired unread": _off("storage.repair.plan_gaps.add_windows", by=_none),
    "a message left out is passed over": lambda: patch.object(FollowedChannels, "missed", lambda *_: None),
    "a skipped channel stays read": _off(
        "storage.channels.skip.reopen_skipped", "storage.channels.listed.reopen_skipped"
    ),
}
FOUND_BY = {
    "the checkpoint before the rows": 1,
    "missing events are passed over": 33,
    "edits are not heard": 2,
    "deletions are not heard": 13,
    "shown again is never hidden": 4,
    "an event after the page is lost": 11,
    "blanks go over content": 5,
    "an erasure is forgotten": 6,
    "an empty page ends a channel": 7,
    "no gap is recorded": 10,
    "reactions taken back are kept": 10,
    "gaps are repaired unread": 12,
    "a thread of a listing is lost": 13,
    "a rate limit is ignored": 17,
    "a channel without a head is empty": 18,
    "a skipped channel stays read": 1,
    "a hidden channel is written": 26,
    "ready while deaf": 30,
    "every end is a success": 43,
    "an empty page deletes": 43,
    "a message left out is passed over": 47,
}
"""The seed that is tried first, by mutation: it found that when the troubles were as they are now."""


def _blanks() -> AbstractContextManager[object]:
    stack = ExitStack()
    stack.enter_context(patch("adapters.discord.content.is_blanked", lambda *_: False))
    stack.enter_context(patch("storage.messages.rows.is_withheld", lambda *_: False))
    stack.enter_context(patch("storage.repair.reconcile.is_withheld", lambda *_: False))
    return stack
