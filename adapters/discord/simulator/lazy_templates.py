"""Ready-made JSON of messages, with holes for what differs: what makes a page of a lazy channel cost microseconds.

The mix is that of a busy guild: about 1.4 kB a message; replies 20 %, reactions 15 %, attachments 12 %, embeds 12 %.
"""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from adapters.discord.simulator.crowd import bot, crowd
from adapters.discord.simulator.ids import mix
from adapters.discord.simulator.message_payloads import attachment, message, nested, reference
from adapters.discord.simulator.model import User
from adapters.discord.simulator.payloads import user_payload
from adapters.discord.simulator.store import Payload, Reactors
from adapters.discord.simulator.words import clause, utterances

POOL_SIZE: Final = 1024
TEXTS: Final = 4096
CROWD_SIZE: Final = 400

_ID: Final = 111_111_111_111_111_111  # stands for the message's id, and these for what else differs
_CHANNEL: Final = 222_222_222_222_222_222
_REPLIED: Final = 333_333_333_333_333_333
_FILE: Final = 444_444_444_444_444_444
_TEXT: Final = "<text>"
_TIME: Final = "<time>"
_SHOWN: Final = "<shown>"
_HOLES: Final = ("id", "channel", "replied", "file", "text", "time", "shown")
_EMOJI: Final = ("👍", "❤️", "🔥", "😂", "party:760000000000000001", "🎉", "👀", "a:wave:760000000000000002")


@dataclass(frozen=True, slots=True)
class Template:
    """One message with holes: whole, and as it looks inside a reply."""

    whole: str
    nested: str
    is_reply: bool
    has_file: bool
    reactions: tuple[tuple[Payload, int, int], ...]  # emoji, normal count, burst count


@cache
def people(seed: int) -> tuple[User, ...]:
    """Return who writes and reacts in lazy channels, by rising id."""
    return tuple(sorted(crowd(seed, CROWD_SIZE), key=lambda user: user.id))


@cache
def people_payloads(seed: int) -> tuple[Payload, ...]:
    """Return the same people as payloads."""
    return tuple(user_payload(user) for user in people(seed))


@cache
def texts(seed: int) -> tuple[str, ...]:
    """Return what they say, as the inside of JSON strings."""
    return tuple(json.dumps(text)[1:-1] for text in utterances(seed, TEXTS))


@cache
def templates(seed: int) -> tuple[Template, ...]:
    """Return the pool. Which message gets which template is for the store to say."""
    return tuple(_template(seed, index) for index in range(POOL_SIZE))


def _template(seed: int, index: int) -> Template:
    bits = mix(seed * 1_000_081 + index)
    chance = [mix(bits + number) % 100 for number in range(8)]
    payload = message(_ID, _CHANNEL, _author(seed, bits, chance[0]), _TEXT, timestamp=_TIME)
    if chance[0] in (97, 98):
        payload["webhook_id"] = payload["author"]["id"]
    if chance[1] < 8:
        mentioned = people(seed)[bits % CROWD_SIZE]
        payload |= {"content": f"<@{mentioned.id}> {_TEXT}", "mentions": [user_payload(mentioned)]}
    if chance[2] < 12:
        payload["attachments"] = [_file(bits)]
    if chance[3] < 12:
        payload["embeds"] = [_embed(bits)]
    if chance[4] < 4:
        payload["edited_timestamp"] = _TIME
    reactions = _reactions(bits) if chance[5] < 15 else ()
    shown = _with_holes(nested(payload))
    if chance[6] < 20:
        payload |= {"type": 19, "message_reference": reference(_CHANNEL, _REPLIED), "referenced_message": _SHOWN}
    if reactions:
        payload["reactions"] = [_entry(emoji, normal, burst) for emoji, normal, burst in reactions]
    return Template(_with_holes(payload), shown, chance[6] < 20, chance[2] < 12, reactions)


def _author(seed: int, bits: int, chance: int) -> User | Payload:
    if chance >= 99:
        return bot(seed, bits % 3, ("helper", "music", "stats")[bits % 3])
    if chance >= 97:
        hook = {"id": str(770000000000000000 + bits % 4), "username": f"zq_hook_{bits % 4}", "bot": True}
        return user_payload(people(seed)[0]) | hook | {"avatar": None, "banner": None, "global_name": None}
    crowd_bits = bits >> 12
    # The lower of two draws: a few people write much, many write little.
    return people(seed)[min(crowd_bits % CROWD_SIZE, crowd_bits // CROWD_SIZE % CROWD_SIZE)]


def lazy_users(seed: int) -> list[Payload]:
    """Everyone who is an author in lazy channels: people, bots and webhooks."""
    shapes = (json.loads(template.nested % dict.fromkeys(_HOLES, 0)) for template in templates(seed))
    return [*people_payloads(seed), *(shape["author"] for shape in shapes)]


def _file(bits: int) -> Payload:
    picture = bits % 4
    if picture:
        name, kind = f"screenshot_{bits % 1000}.png", "image/png"
        size: Payload = {
            "width": 1280,
            "height": 720,
            "placeholder": "3fcFDYJnd3iPh3h3gHiHeIeAeA",
            "placeholder_version": 1,
        }
        return attachment(_CHANNEL, _FILE, name, bits % 4_000_000, kind, **size)
    return attachment(_CHANNEL, _FILE, f"notes-{bits % 1000}.txt", bits % 90_000, "text/plain; charset=utf-8")


def _embed(bits: int) -> Payload:
    return {
        "type": "article",
        "url": f"https://example.com/posts/{bits % 9973}",
        "title": clause(bits),
        "description": f"{clause(mix(bits))} {clause(mix(bits + 1))}",
        "color": bits % 0xFFFFFF,
        "provider": {"name": "Example", "url": "https://example.com"},
        "author": {"name": "Example News", "url": "https://example.com/news"},
        "footer": {"text": clause(mix(bits + 2))},
        "timestamp": _TIME,
        "fields": [{"name": "Votes", "value": str(bits % 1000), "inline": True}],
        "thumbnail": {
            "url": f"https://example.com/pictures/{bits % 9973}.png",
            "proxy_url": f"https://images-ext-1.discordapp.net/external/x/https/example.com/pictures/{bits % 9973}.png",
            "width": 600,
            "height": 315,
        },
    }


def _reactions(bits: int) -> tuple[tuple[Payload, int, int], ...]:
    found = []
    for number in range(1 + bits % 3):
        emoji = _EMOJI[(bits >> 8) % len(_EMOJI) - number]
        *animated, name, emoji_id = emoji.split(":") if ":" in emoji else (emoji, "")
        shown: Payload = {"id": emoji_id or None, "name": name}
        if animated:
            shown["animated"] = True
        found.append((shown, 1 + (bits >> 16 + number) % 7, int((bits >> 24) % 16 == number)))
    return tuple(found)


def _entry(emoji: Payload, normal: int, burst: int) -> Payload:
    ids = range(normal), range(burst)
    return Reactors(emoji, ({one: {} for one in ids[0]}, {one: {} for one in ids[1]})).entry()


def _with_holes(payload: Any) -> str:
    text = json.dumps(payload, separators=(",", ":")).replace("%", "%%")
    for value, hole in (
        (f'"{_SHOWN}"', "%(shown)s"),
        (str(_ID), "%(id)s"),
        (str(_CHANNEL), "%(channel)s"),
        (str(_REPLIED), "%(replied)s"),
        (str(_FILE), "%(file)s"),
        (_TEXT, "%(text)s"),
        (_TIME, "%(time)s"),
    ):
        text = text.replace(value, hole)
    return text
