"""The JSON of DiscordChatExporter, which many tools read; one file a channel or thread.

Every key that those tools want is there, in the order in which that program writes them, since some read it as a stream
(https://github.com/Tyrrrz/DiscordChatExporter, JsonMessageWriter.cs). People are named by their pseudonyms.
"""

from collections.abc import Sequence
from typing import Any, BinaryIO

import orjson

from bot.export.dce_messages import message_of, moment
from bot.export.writers import ExportFacts, ExportWriter
from storage.export import ExportedMessage
from storage.reading import ShownChannel

_CHANNEL_TYPES = {
    0: "GuildTextChat",
    1: "DirectTextChat",
    2: "GuildVoiceChat",
    3: "DirectGroupTextChat",
    4: "GuildCategory",
    5: "GuildNews",
    10: "GuildNewsThread",
    11: "GuildPublicThread",
    12: "GuildPrivateThread",
    13: "GuildStageVoice",
    14: "GuildDirectory",
    15: "GuildForum",
}


class NotOneChannel(Exception):
    """The format holds one channel a file: choose one."""


class DceWriter(ExportWriter):
    """Writes the head, then messages, then their count, which the head cannot know."""

    def __init__(self, sink: BinaryIO, facts: ExportFacts) -> None:
        if facts.channel is None:
            raise NotOneChannel(" ".join((NotOneChannel.__doc__ or "").split()))
        self._sink, self._guild_id, self._count = sink, facts.tenant_id.partition("-")[2], 0
        chosen = facts.selection
        head = {
            "guild": {"id": self._guild_id, "name": facts.tenant_name or facts.tenant_id, "iconUrl": ""},
            "channel": _channel(facts.channel),
            "dateRange": {"after": moment(chosen.since), "before": moment(chosen.until)},
            "exportedAt": moment(facts.taken_at),
        }
        self._sink.write(orjson.dumps(head)[:-1] + b',"messages":[')

    def write(self, messages: Sequence[ExportedMessage]) -> None:
        """Append messages."""
        parts = [orjson.dumps(message_of(one, self._guild_id)) for one in messages]
        if parts:
            self._sink.write((b"," if self._count else b"") + b"\n" + b",\n".join(parts))
            self._count += len(parts)

    def finish(self) -> None:
        """Write the count of messages, and close what is open."""
        self._sink.write(b'\n],"messageCount":%d}\n' % self._count)


def _channel(channel: ShownChannel) -> dict[str, Any]:
    """Describe a channel; of a thread the category is the channel that it belongs to, as in that program."""
    number = channel.metadata.get("platform_type")
    return {
        "id": channel.platform_id,
        "type": _CHANNEL_TYPES.get(number, str(number)) if isinstance(number, int) else "GuildTextChat",
        "categoryId": channel.parent_platform_id,
        "category": channel.parent_name,
        "name": channel.name or channel.platform_id,
        "topic": channel.metadata.get("topic"),
    }
