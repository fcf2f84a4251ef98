"""Messages that try to be more than text, in every field that a person or a program can fill."""

from dataclasses import replace
from typing import Any

from adapters.records import AuthorKind, MessageRecord
from tests.support.builders import NOW, attachment, message, total
from tests.support.talk import ANN, BOB, DAY

SCRIPT = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
RTL = "\u202egnp.exe\u202d"
LINK = "javascript:alert(1)"
EXPIRED = "https://files.example/old.png?ex=5f5e1000&is=1"
LASTING = "https://files.example/new.bin?is=1&ex=ff000000"
"""Addresses of forwarded files: the one was good until 2020, the other is until 2105."""
FIRST = DAY + 10
"""The number of the first of them."""

_EMBED = {
    "title": SCRIPT,
    "url": LINK,
    "description": f"{SCRIPT} [a]({LINK})",
    "author": {"name": SCRIPT, "url": LINK, "icon_url": LINK},
    "footer": {"text": SCRIPT},
    "provider": {"name": SCRIPT, "url": LINK},
    "image": {"url": LINK, "description": SCRIPT},
    "fields": [{"name": SCRIPT, "value": SCRIPT, "inline": True}],
    "timestamp": SCRIPT,
    "color": 0xFF8800,
}
_COMPONENTS = [
    None,
    {
        "type": 17,
        "components": [
            None,
            {"type": 10, "content": SCRIPT},
            {"type": 2, "label": SCRIPT, "url": LINK, "style": 5},
            {
                "type": 3,
                "placeholder": SCRIPT,
                "options": [None, {"label": SCRIPT, "description": SCRIPT, "value": "v"}],
            },
            {"type": 12, "items": [{"media": {"url": LINK}, "description": SCRIPT}]},
            {"type": 9, "components": [], "accessory": {"type": 11, "media": {"url": LINK}, "description": SCRIPT}},
        ],
    },
]
_COLOURS = [{"title": "odd", "color": colour} for colour in (SCRIPT, -1, 2**24, True, 1.5, None)]
_POLL = {
    "question": SCRIPT,
    "answers": [{"id": 1, "text": SCRIPT, "emoji": {"name": SCRIPT}}, {"id": 2, "emoji": {"name": "b", "id": "8"}}],
    "expiry": SCRIPT,
    "counts": [{"id": 1, "count": 3}],
}
_FILE = attachment("9", filename=f"{RTL}{SCRIPT}", content_type=SCRIPT, metadata={"description": SCRIPT})
_FORWARD = {
    "content": SCRIPT,
    "sent_at": SCRIPT,
    "embeds": [None, _EMBED],
    "attachments": [
        {"id": "1", "filename": SCRIPT, "url": LINK, "content_type": SCRIPT, "size_bytes": 1},
        {"id": "2", "filename": "old.png", "url": EXPIRED, "content_type": "image/png", "size_bytes": 1},
        {"id": "3", "filename": "new.bin", "url": LASTING, "size_bytes": 1},
    ],
    "stickers": [{"id": "1", "name": SCRIPT}, {}, None],
    "components": _COMPONENTS,
}


def hostile_messages() -> list[MessageRecord]:
    """Build them; the last one is the newest message of the talk."""
    text: list[dict[str, Any]] = [
        {"content": f"{SCRIPT} <b>{RTL}</b> [x]({LINK}) <{LINK}> ||{SCRIPT}|| `{SCRIPT}` <@{BOB}> <#5> {LINK}"},
        {"content": "🎉" * 4_000},
        {"content": "[" * 4_000},
        {"metadata": {"embeds": [_EMBED], "components": _COMPONENTS, "poll": _POLL, "stickers": [{"name": SCRIPT}]}},
        {"metadata": {"forward": _FORWARD, "reference": {"channel_id": "5", "message_id": "96"}}},
        {"metadata": {"forward": {"content": "b"}, "reference": {"channel_id": "77", "message_id": "8"}}},
        {"metadata": {"interaction": {"name": SCRIPT, "user_hash": BOB}}, "author_kind": AuthorKind.BOT, "type": "<b>"},
        {
            "attachments": (_FILE,),
            "reaction_totals": (total(SCRIPT, 1), replace(total("77", 4), emoji="<a:dance:77>")),
            "edited_at": NOW,
        },
        {"content": "the newest one <:smile:66>", "author_hash": ANN, "metadata": {"embeds": _COLOURS}},
    ]  # fmt: skip
    return [message(FIRST + number, **fields) for number, fields in enumerate(text)]
