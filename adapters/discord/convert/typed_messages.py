"""Turn a typed message into the record that ``message_record`` would make of its payload, in a fifth of the time."""

from typing import Any

from msgspec import UNSET, Raw

from adapters.discord.convert.attachments import attachment_records
from adapters.discord.convert.copies import copies
from adapters.discord.convert.embeds import embed, reference
from adapters.discord.convert.messages import answers, author_kind, is_command, message_record, name_of_type
from adapters.discord.convert.names import Names
from adapters.discord.convert.payload import (
    as_int,
    as_object,
    as_objects,
    snowflake,
    snowflake_time,
    snowflakes,
    timestamp,
)
from adapters.discord.convert.people import NOBODY, Person, names_of_all, person
from adapters.discord.convert.reactions import sent_totals
from adapters.discord.convert.scrub import Scrubber
from adapters.discord.convert.typed import Referenced, SentMessage, TypedMessage, as_payload, plain
from adapters.privacy import HashUser
from adapters.records import MessageRecord


def record_of(message: SentMessage, channel_id: str, hash_user: HashUser) -> MessageRecord | None:
    """Return the record of one message of a page, or None where it has not even an id."""
    if not isinstance(message, TypedMessage):
        return message_record(message, channel_id, hash_user)
    return _typed_record(message, channel_id, hash_user) or message_record(as_payload(message), channel_id, hash_user)


def _typed_record(message: TypedMessage, channel_id: str, hash_user: HashUser) -> MessageRecord | None:
    """Return the record of a message; None where it has parts that few messages have."""
    message_id, author, kind = snowflake(message.id), person(message.author), as_int(message.type)
    mentioned = [person(user) for user in message.mentions] if message.mentions else NOBODY
    referenced = message.referenced_message
    original = person(referenced.author) if isinstance(referenced, Referenced) else None
    if message_id is None or message.has_rare_parts() or _names_members(referenced, mentioned):
        return None
    source = as_object(plain(message.message_reference)) if message.message_reference is not UNSET else {}
    is_reply = bool(source) and answers(kind, source)
    scrub = Scrubber(hash_user, names=_names(author, mentioned, original))
    metadata = _metadata(message, hash_user, mentioned)
    if is_reply and referenced is None:
        metadata["reply_deleted"] = True
    elif source and not is_reply and (kept := reference(source)):
        metadata["reference"] = kept
    if message.embeds and (embeds := [embed(e, scrub) for e in as_objects(_all_plain(message.embeds))]):
        metadata["embeds"] = embeds
    name, original_id = name_of_type(kind), original.user_id if original and is_reply else None
    return MessageRecord(
        platform_id=message_id,
        author_hash=hash_user(author.user_id) if author.user_id else None,
        author_kind=author_kind(
            is_webhook=message.webhook_id is not UNSET and bool(plain(message.webhook_id)),
            is_command=is_command(kind),
            is_system=author.is_system,
            is_bot=author.is_bot,
        ),
        content=scrub(message.content),
        type=name,
        sent_at=timestamp(message.timestamp) or snowflake_time(message_id),
        edited_at=timestamp(message.edited_timestamp) if message.edited_timestamp else None,
        reply_to_channel_platform_id=(snowflake(source.get("channel_id")) or channel_id) if is_reply else None,
        reply_to_message_platform_id=snowflake(source.get("message_id")) if is_reply else None,
        reply_to_author_hash=hash_user(original_id) if original_id else None,
        metadata=metadata,
        attachments=attachment_records(_all_plain(message.attachments), scrub) if message.attachments else (),
        reaction_totals=sent_totals(message.reactions, hash_user) if message.reactions else (),
        copies=copies(name, metadata) if metadata else (),
    )


def _names_members(referenced: object, mentioned: list[Person]) -> bool:
    if isinstance(referenced, Referenced) and referenced.member is not UNSET:
        return True
    return bool(mentioned) and any(user.has_member for user in mentioned)


def _names(author: Person, mentioned: list[Person], original: Person | None) -> Names:
    if mentioned:
        return names_of_all((author, *mentioned, original) if original else (author, *mentioned))
    return names_of_all((author, original)) if original else author.names


def _all_plain(parts: list[Raw]) -> list[Any]:
    return [plain(part) for part in parts]


def _metadata(message: TypedMessage, hash_user: HashUser, mentioned: list[Person]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    if flags := as_int(message.flags):
        kept["flags"] = flags
    if message.pinned:
        kept["pinned"] = True
    if message.tts:
        kept["tts"] = True
    if message.mention_everyone:
        kept["mention_everyone"] = True
    if mentioned and (hashes := [hash_user(user.user_id) for user in mentioned if user.user_id]):
        kept["mentions"] = hashes
    if message.mention_roles and (roles := snowflakes(message.mention_roles)):
        kept["mention_roles"] = roles
    return kept
