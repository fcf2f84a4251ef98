"""The tool that reads a conversation: what a message answers, and what answers it, wherever that was written."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.mcp.answers import MessageAnswer, MessagesAnswer
from bot.mcp.archive import Archive, Refused
from bot.mcp.arguments import Conversation
from bot.mcp.messages import MessageWriter
from bot.mcp.wire import fitting
from storage import reading
from storage.reading import MessageKey, TalkMessage
from storage.tenants import Tenant

_AT_ONCE = 50  # messages that are loaded for an answer
_LARGE = (
    "The conversation is very large: the nearest 1,000 messages above and below are here. "
    "Ask for the conversation of the first or last one for more."
)


@dataclass(frozen=True, slots=True)
class ConversationTool:
    """Reads conversations."""

    archive: Archive

    async def conversation(self, params: Conversation) -> MessagesAnswer:
        """Read what a message answers and what answers it, by the time it was sent at."""
        tenant = await self.archive.tenant(params.tenant)
        channel = await self.archive.channel_of_message(tenant, params.message)
        standing = await self.archive.standing(tenant)
        talk = await reading.conversation_of(self.archive.db, channel, params.message)
        rest = _behind(talk.messages, params.cursor)
        some = rest[:_AT_ONCE]
        written = await self._written(tenant, some)
        there = [one for one in some if one.key in written]
        items = [written[one.key] for one in there]
        count = fitting(items)
        last = there[count - 1] if count < len(items) else some[-1] if len(rest) > len(some) else None
        return MessagesAnswer(
            **standing | {"notes": standing["notes"] if talk.is_whole else [*(standing["notes"] or ()), _LARGE]},
            cut=last is not None,
            cursor=str(last.id) if last else None,
            messages=items[:count],
        )

    async def _written(self, tenant: Tenant, some: Sequence[TalkMessage]) -> dict[MessageKey, MessageAnswer]:
        """Write messages of several channels, by their keys; those that are gone meanwhile are left out."""
        found = await reading.messages_by_key(self.archive.db, [one.key for one in some])
        by_channel = defaultdict[str, list[MessageKey]](list)
        for one in some:
            by_channel[one.channel_platform_id].append(one.key)
        written: dict[MessageKey, MessageAnswer] = {}
        for channel_id, keys in by_channel.items():
            channel = await reading.channel_of(self.archive.db, tenant.id, channel_id)
            there = [key for key in keys if key in found] if channel else []
            if channel and there:
                answers = await MessageWriter(self.archive, tenant).written(channel, [found[key] for key in there])
                written |= dict(zip(there, answers, strict=True))
        return written


def _behind(messages: Sequence[TalkMessage], cursor: str | None) -> Sequence[TalkMessage]:
    if cursor is None:
        return messages
    ids = [message.id for message in messages]
    if int(cursor) not in ids:
        raise Refused("cursor: must be that of the answer before, with the same message; begin again without one")
    return messages[ids.index(int(cursor)) + 1 :]
