"""Turn payloads into records, private already."""

from adapters.discord.convert.blanks import (
    is_blanked,
    shows_content,
)
from adapters.discord.convert.channels import (
    archive_stamp,
    archive_time,
    channel_record,
    channel_type,
    is_obfuscated,
    is_private_thread,
    thread_record,
)
from adapters.discord.convert.messages import (
    message_record,
    replies,
)
from adapters.discord.convert.pages import (
    message_records,
)
from adapters.discord.convert.payload import (
    Payload,
    as_bits,
    as_int,
    as_object,
    as_objects,
    last_id_before,
    snowflake,
    snowflake_time,
    snowflakes,
    timestamp,
)
from adapters.discord.convert.reactions import (
    emoji_of,
    url_emoji,
)
from adapters.discord.convert.scrub import (
    Scrubber,
)
from adapters.discord.convert.typed import (
    SentMessage,
    as_payload,
    as_payloads,
    decode_page,
    ids_of,
    own_messages,
)

__all__ = [
    "Payload",
    "Scrubber",
    "SentMessage",
    "archive_stamp",
    "archive_time",
    "as_bits",
    "as_int",
    "as_object",
    "as_objects",
    "as_payload",
    "as_payloads",
    "channel_record",
    "channel_type",
    "decode_page",
    "emoji_of",
    "ids_of",
    "is_blanked",
    "is_obfuscated",
    "is_private_thread",
    "last_id_before",
    "message_record",
    "message_records",
    "own_messages",
    "replies",
    "shows_content",
    "snowflake",
    "snowflake_time",
    "snowflakes",
    "thread_record",
    "timestamp",
    "url_emoji",
]
