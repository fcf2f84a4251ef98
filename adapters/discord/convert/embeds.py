"""Turn the parts of a message that nest into metadata: embeds, components, polls, references; fields by allowlist."""

from collections.abc import Callable
from typing import Any

from adapters.discord.convert.payload import Payload, as_int, as_object, as_objects, snowflake, without_empty
from adapters.discord.convert.scrub import Scrubber
from adapters.privacy import HashUser


def embed(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    """Return an embed's fields, without the names that go with a user's avatar."""
    kept: dict[str, Any] = _texts(payload, scrub, "type", "title", "description", "url", "timestamp")
    if (color := as_int(payload.get("color"))) is not None:
        kept["color"] = color
    for key, read in _EMBED_PARTS.items():
        if (part := payload.get(key)) and (found := read(part, scrub)):
            kept[key] = found
    return kept


def _field(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    kept: dict[str, Any] = _texts(payload, scrub, "name", "value")
    if payload.get("inline"):
        kept["inline"] = True
    return kept


# What an embed holds beside texts, in the order in which it is kept; what comes out empty is left out.
_EMBED_PARTS: dict[str, Callable[[object, Scrubber], object]] = {
    "footer": lambda part, scrub: _signed(as_object(part), scrub, "text", "icon_url"),
    "image": lambda part, scrub: _media(part, scrub),
    "thumbnail": lambda part, scrub: _media(part, scrub),
    "video": lambda part, scrub: _media(part, scrub, described=False),
    "provider": lambda part, scrub: _texts(as_object(part), scrub, "name", "url"),
    "author": lambda part, scrub: _signed(as_object(part), scrub, "name", "url", "icon_url"),
    "fields": lambda part, scrub: [_field(field, scrub) for field in as_objects(part)],
}


_DEEPEST = 20  # Discord nests components up to five deep; the JSON writer has a recursion limit


def component(payload: Payload, scrub: Scrubber, hash_user: HashUser, depth: int = 0) -> dict[str, Any]:
    """Return a component of any type with all it holds. Never its custom_id: applications put user ids there."""

    def inner(value: object) -> dict[str, Any] | None:
        return component(as_object(value), scrub, hash_user, depth + 1) if value and depth < _DEEPEST else None

    kept: dict[str, Any] = {
        **_texts(payload, scrub, "label", "url", "placeholder", "content", "description"),
        "emoji": _emoji(payload.get("emoji"), scrub),
        "options": [
            without_empty(
                {
                    **_texts(o, scrub, "label", "value", "description"),
                    "default": bool(o.get("default")),
                    "emoji": _emoji(o.get("emoji"), scrub),
                }
            )
            for o in as_objects(payload.get("options"))
        ],
        "media": _link(payload.get("media"), scrub),
        "file": _link(payload.get("file"), scrub),
        "items": [
            without_empty(
                {
                    "media": _link(item.get("media"), scrub),
                    **_texts(item, scrub, "description"),
                    "spoiler": bool(item.get("spoiler")),
                }
            )
            for item in as_objects(payload.get("items"))
        ],
        "accessory": inner(payload.get("accessory")),
        "component": inner(payload.get("component")),
        "components": [found for c in as_objects(payload.get("components")) if (found := inner(c))],
        "default_values": [_default_value(v, hash_user) for v in as_objects(payload.get("default_values"))],
    }
    for key in ("type", "id", "style", "spacing", "accent_color", "min_values", "max_values"):
        kept[key] = as_int(payload.get(key))
    for key in ("disabled", "spoiler", "divider"):
        kept[key] = bool(payload.get(key))
    return without_empty(kept)


def poll(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    """Return a poll with its counts where Discord gives them; no counts means unknown, not zero."""
    results = as_object(payload.get("results"))
    return without_empty(
        {
            "question": _texts(as_object(payload.get("question")), scrub, "text").get("text"),
            "answers": [_answer(a, scrub) for a in as_objects(payload.get("answers"))],
            **_texts(payload, scrub, "expiry"),
            "allow_multiselect": bool(payload.get("allow_multiselect")),
            "layout_type": as_int(payload.get("layout_type")),
            "finalized": bool(results.get("is_finalized")),
            "counts": [
                without_empty({"id": as_int(c.get("id")), "count": as_int(c.get("count"))})
                for c in as_objects(results.get("answer_counts"))
            ],
        }
    )


def reference(payload: Payload) -> dict[str, Any]:
    """Return what a message that is no reply refers to."""
    return without_empty(
        {
            "type": as_int(payload.get("type")) or None,
            **{key: snowflake(payload.get(key)) for key in ("guild_id", "channel_id", "message_id")},
        }
    )


def _texts(payload: Payload, scrub: Scrubber, *keys: str) -> dict[str, str]:
    """Return those of the texts that are not empty."""
    kept: dict[str, str] = {}
    for key in keys:
        if (value := payload.get(key)) and isinstance(value, str) and (text := scrub(value)):
            kept[key] = text
    return kept


def _signed(payload: Payload, scrub: Scrubber, name: str, *links: str) -> dict[str, Any]:
    """Return an author or footer; its text is dropped where a picture or link shows that it names a person."""
    kept = _texts(payload, scrub, name, *links)
    if any("user:" in kept.get(link, "") for link in links):
        kept.pop(name, None)
    return kept


def _media(value: object, scrub: Scrubber, *, described: bool = True) -> dict[str, Any]:
    payload = as_object(value)
    kept: dict[str, Any] = _texts(payload, scrub, "url", *(["description"] if described else []))
    for key in ("width", "height"):
        if (size := as_int(payload.get(key))) is not None:
            kept[key] = size
    return kept


def _link(value: object, scrub: Scrubber) -> dict[str, Any]:
    return _texts(as_object(value), scrub, "url")


def _emoji(value: object, scrub: Scrubber) -> dict[str, Any]:
    payload = as_object(value)
    return without_empty(
        {
            "id": snowflake(payload.get("id")),
            **_texts(payload, scrub, "name"),
            "animated": bool(payload.get("animated")),
        }
    )


def _default_value(payload: Payload, hash_user: HashUser) -> dict[str, Any]:
    """Return what a select shows as chosen. Only roles and channels keep their id."""
    chosen, kind = snowflake(payload.get("id")), payload.get("type")
    if chosen and kind not in ("role", "channel"):
        chosen = hash_user(chosen)
    return without_empty({"id": chosen, "type": kind if kind in ("user", "role", "channel") else None})


def _answer(payload: Payload, scrub: Scrubber) -> dict[str, Any]:
    media = as_object(payload.get("poll_media"))
    emoji = as_object(media.get("emoji"))
    return without_empty(
        {
            "id": as_int(payload.get("answer_id")),
            **_texts(media, scrub, "text"),
            "emoji": without_empty({"id": snowflake(emoji.get("id")), **_texts(emoji, scrub, "name")}),
        }
    )
