"""A message as an assistant gets it: bounded, with links, and pseudonyms alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.api import HitView
from bot.links import file_link, message_link
from bot.mcp.answers import FileAnswer, MessageAnswer, ReactionAnswer, ReplyAnswer, ThreadAnswer
from bot.mcp.archive import Archive
from bot.mcp.wire import shortened
from bot.wording import people, pseudonym
from storage import reading
from storage.privacy import EXPIRED, FORGOTTEN, OPTED_OUT
from storage.reading import MessageLinks, Original, ShownAttachment, ShownChannel, ShownMessage
from storage.tenants import Tenant

_MOST_CONTENT, _MOST_FOUND, _MOST_QUOTED, _MOST_NAME = 5_000, 700, 200, 100  # characters
_BEFORE_FOUND = 200
_MOST_FILES, _MOST_REACTIONS = 10, 20
_SHOWN = ("forward", "embeds", "poll", "stickers", "components")
_TEXTS = frozenset({"title", "description", "name", "value", "text", "question", "content", "label", "placeholder"})
_MOST_TEXTS, _MOST_TEXT, _DEEPEST = 12, 200, 12
_GONE = {
    OPTED_OUT: "not kept, as its author wishes",
    FORGOTTEN: "erased at the request of who wrote it",
    EXPIRED: "removed by retention: it has had its time",
}


@dataclass(frozen=True, slots=True)
class MessageWriter:
    """Makes answers of messages."""

    archive: Archive
    tenant: Tenant

    async def written(self, channel: ShownChannel, shown: Sequence[ShownMessage]) -> list[MessageAnswer]:
        """Write messages of a channel, with what leads from them to others."""
        links = await reading.links_of(self.archive.db, channel, shown)
        return [self._written(channel, message, links) for message in shown]

    def _written(self, channel: ShownChannel, message: ShownMessage, links: MessageLinks) -> MessageAnswer:
        whole = people(message.content)
        content = shortened(whole, _MOST_CONTENT)
        thread, answers = links.threads.get(message.platform_id), links.answers.get(message.platform_id)
        given = message.reactions[:_MOST_REACTIONS]
        return MessageAnswer(
            **self._place(channel.platform_id, message.platform_id),
            author=pseudonym(message.author_hash) if message.author_hash else None,
            author_kind=message.author_kind,
            type=shortened(message.type, _MOST_NAME),
            sent_at=message.sent_at,
            edited_at=message.edited_at,
            deleted_at=message.deleted_at,
            content=content,
            gone=_gone(message.metadata),
            content_cut=len(content) < len(whole) or None,
            shows=_shown(message.metadata) or None,
            reply_to=_reply(message, links.originals.get((message.channel_id, message.platform_id))),
            replies=answers.count if answers else None,
            thread=ThreadAnswer(id=thread.platform_id, name=name_of(thread.name)) if thread else None,
            files=[self._file(channel, file) for file in message.attachments[:_MOST_FILES]] or None,
            files_total=len(message.attachments) if len(message.attachments) > _MOST_FILES else None,
            reactions=[ReactionAnswer(emoji=shortened(r.emoji, _MOST_NAME), count=r.count) for r in given] or None,
        )

    def hit(self, hit: HitView) -> MessageAnswer:
        """Write a message that a search found: the part of it around the first word that was found."""
        first = min((mark.start for mark in hit.highlights), default=0)
        begin = max(first - _BEFORE_FOUND, 0) if len(hit.content) > _MOST_FOUND else 0
        content = shortened(people(hit.content[begin:]), _MOST_FOUND)
        channel, message = hit.reply_to_channel_platform_id, hit.reply_to_message_platform_id
        return MessageAnswer(
            **self._place(hit.channel.platform_id, hit.platform_id),
            author=hit.author,
            author_kind=hit.author_kind,
            type=shortened(hit.type, _MOST_NAME),
            sent_at=hit.sent_at,
            edited_at=hit.edited_at,
            deleted_at=hit.deleted_at,
            content=content,
            gone=_GONE[hit.gone] if hit.gone else None,
            content_cut=begin > 0 or len(content) < len(people(hit.content)) or None,
            reply_to=ReplyAnswer(channel=channel, message=message) if channel and message else None,
            files_total=hit.files or None,
        )

    def _place(self, channel_id: str, message_id: str) -> dict[str, Any]:
        link = message_link(self.tenant.id, channel_id, message_id)
        original = self.archive.original(self.tenant, channel_id, message_id)
        return {"id": message_id, "channel": channel_id, "link": self.archive.site + link, "original": original}

    def _file(self, channel: ShownChannel, file: ShownAttachment) -> FileAnswer:
        return FileAnswer(
            name=shortened(file.filename, _MOST_NAME),
            type=shortened(file.content_type, _MOST_NAME) if file.content_type else None,
            size_bytes=file.size_bytes,
            link=self.archive.site + file_link(channel.tenant_id, file.platform_id),
        )


def name_of(name: str | None) -> str | None:
    """Return a name of a channel, bounded."""
    return shortened(people(name), _MOST_NAME) if name is not None else None


def _reply(message: ShownMessage, original: Original | None) -> ReplyAnswer | None:
    if original is None:
        return None
    return ReplyAnswer(
        channel=original.channel_platform_id,
        message=original.message_platform_id,
        author=pseudonym(original.author_hash) if original.author_hash else None,
        content=shortened(people(original.excerpt), _MOST_QUOTED) if _is_told(original) else None,
    )


def _gone(metadata: Mapping[str, Any]) -> str | None:
    return next((words for mark, words in _GONE.items() if mark in metadata), None)


def _is_told(original: Original) -> bool:
    return original.is_archived and original.deleted_at is None


def _shown(metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    left = _MOST_TEXTS
    for name in _SHOWN:
        texts = [shortened(people(text), _MOST_TEXT) for text in _texts(metadata.get(name)) if text.strip()][:left]
        left -= len(texts)
        if texts:
            found[name] = texts
    return found


def _texts(value: object, *, is_text: bool = False, depth: int = 0) -> Iterator[str]:
    """Yield what people read of something that was stored as it came."""
    if isinstance(value, str):
        if is_text:
            yield value
    elif depth > _DEEPEST:
        return
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, is_text=name in _TEXTS, depth=depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, is_text=is_text, depth=depth + 1)
