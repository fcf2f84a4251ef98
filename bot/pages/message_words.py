"""What a message is and shows, in words: who wrote it, what kind of notice it is, what of it can be opened."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.pages.emoji import tag_of
from bot.pages.markup_rules import tag_in_words
from bot.wording import counted, pseudonym
from storage.privacy import EXPIRED, FORGOTTEN, OPTED_OUT

_WEB = re.compile(r"https?://", re.IGNORECASE)
_EXPIRY = re.compile(r"[?&]ex=([0-9a-f]{1,15})(?:&|$)", re.IGNORECASE)  # hexadecimal seconds since 1970
_EPOCH, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), 2**37  # seconds, some four thousand years
_HUES = 12
_SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
_ORDINARY = frozenset({"default", "reply", "chat_input_command", "context_menu_command", "thread_starter_message"})
_NOTICES = {
    "recipient_add": "added somebody",
    "recipient_remove": "removed somebody",
    "channel_name_change": "changed the name",
    "pins_add": "pinned a message",
    "new_member": "joined",
    "premium_guild_subscription": "boosted the community",
    "channel_follow_add": "follows a channel here",
    "thread_created": "began a thread",
    "auto_moderation_action": "automatic moderation",
    "stage_start": "began a stage",
    "stage_end": "ended a stage",
    "stage_topic": "changed the topic of a stage",
    "poll_result": "a poll has ended",
}
_SHOWN = (("forward", "a forwarded message"), ("poll", "a poll"), ("stickers", "a sticker"), ("embeds", "an embed"))


def author_in_words(author_hash: str | None, kind: str | None, metadata: Mapping[str, Any] | None = None) -> str:
    """Name who wrote a message: by the pseudonym, or why there is none."""
    if author_hash is not None:
        return pseudonym(author_hash)
    if metadata and FORGOTTEN in metadata:
        return "person who opted out" if OPTED_OUT in metadata else "erased person"
    return "the platform" if kind == "system" else "unknown author"


def hue(author_hash: str | None) -> int:
    """Choose one of a few colours for a person, always the same one."""
    return int(author_hash[:4], 16) % _HUES if author_hash and re.match("[0-9a-f]{4}", author_hash) else 0


def notice_of(message_type: str) -> str | None:
    """Say what a message of a type is a notice of; None of those that people write."""
    if message_type in _ORDINARY:
        return None
    return _NOTICES.get(message_type) or message_type.replace("_", " ")


def shown_in_words(metadata: Mapping[str, Any], files: int) -> str:
    """Say what a message without text shows."""
    if FORGOTTEN in metadata:
        return "withheld" if OPTED_OUT in metadata else "erased"
    if EXPIRED in metadata:
        return "not kept any more"
    found = [counted(files, "file")] if files else []
    return ", ".join(found + [words for key, words in _SHOWN if metadata.get(key)]) or "no text"


def web_address(address: object) -> str | None:
    """Return an address if it leads to the web, and nothing that a browser would run."""
    return address if isinstance(address, str) and _WEB.match(address) else None


def expiry_of(address: object) -> datetime | None:
    """Return until when an address says that it is good, as signed ones do; None where it says nothing."""
    found = _EXPIRY.search(address) if isinstance(address, str) else None
    return _EPOCH + timedelta(seconds=min(int(found[1], 16), _LATEST)) if found else None


def has_expired(address: object, now: datetime) -> bool:
    """Whether an address says that it was good until a time before now."""
    until = expiry_of(address)
    return until is not None and until <= now


def colour_of(number: object) -> str | None:
    """Write a colour, stored as the number of its red, green and blue; None where it is none, or black for none."""
    return f"#{number:06x}" if type(number) is int and 0 < number < 2**24 else None


def objects(values: object) -> list[Mapping[str, Any]]:
    """Pick the objects of a list that was stored as it came; nothing else in it can be shown."""
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list | tuple) else []


def emoji_in_words(emoji: str) -> str:
    """Write a custom emoji by its name."""
    return tag_in_words(emoji, {}) or emoji


def size_in_words(size_bytes: int) -> str:
    """Write a size in the unit that suits it."""
    for size, unit in _SIZES:
        if size_bytes >= size:
            return f"{size_bytes / size:.1f} {unit}"
    return counted(size_bytes, "byte")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "author": author_in_words,
    "colour": colour_of,
    "emoji_tag": tag_of,
    "expired": has_expired,
    "expiry": expiry_of,
    "hue": hue,
    "notice": notice_of,
    "objects": objects,
    "shown": shown_in_words,
    "size": size_in_words,
    "web": web_address,
}
"""By the names that templates use."""
