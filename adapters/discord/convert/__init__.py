"""Payloads in, records out, private when they leave."""

from adapters.discord.convert.channels import (
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
from adapters.discord.convert.payload import (
    HashUser,
    Payload,
    ident,
    idents,
    moment,
    number,
    obj,
    objs,
    snowflake_before,
    snowflake_time,
)
from adapters.discord.convert.reactions import (
    emoji_of,
    url_emoji,
)
from adapters.discord.convert.scrub import (
    Scrubber,
)

__all__ = [
    "HashUser",
    "Payload",
    "Scrubber",
    "channel_record",
    "channel_type",
    "emoji_of",
    "ident",
    "idents",
    "is_obfuscated",
    "is_private_thread",
    "message_record",
    "moment",
    "number",
    "obj",
    "objs",
    "replies",
    "snowflake_before",
    "snowflake_time",
    "thread_record",
    "url_emoji",
]
