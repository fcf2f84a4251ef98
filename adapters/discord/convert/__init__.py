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

__all__ = [
    "Payload",
    "Scrubber",
    "archive_stamp",
    "archive_time",
    "as_bits",
    "as_int",
    "as_object",
    "as_objects",
    "channel_record",
    "channel_type",
    "emoji_of",
    "is_blanked",
    "is_obfuscated",
    "is_private_thread",
    "last_id_before",
    "message_record",
    "message_records",
    "replies",
    "shows_content",
    "snowflake",
    "snowflake_time",
    "snowflakes",
    "thread_record",
    "timestamp",
    "url_emoji",
]
