"""Text, emoji, stickers and embeds as DiscordChatExporter writes them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.wording import people

_CUSTOM = re.compile(r"<(?P<animated>a?):(?P<name>[^:<>\s]+):(?P<id>[0-9]+)>")
_CDN = "https://cdn.discordapp.com"
_PICTURES = "https://cdn.jsdelivr.net/gh/twitter/twemoji@latest/assets/svg"  # that program's, of standard emoji
_STICKER_FORMATS = {1: ("Png", "png"), 2: ("Apng", "png"), 3: ("Lottie", "json"), 4: ("Gif", "gif")}
_JOINERS = (0xFE0F,)  # left out in the names of those pictures, unless a joined emoji needs it

_TIME = re.compile(r"<t:(-?[0-9]{1,14})(?::[tTdDfFR])?>", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Json = dict[str, Any]


def text_of(content: str) -> str:
    """Return a text as tools read it: who is mentioned by the same name as in ``mentions``, and times in words.

    As Discord writes them, chat-analytics would count half of a pseudonym as a person, and a time as an emoji.
    """
    return _TIME.sub(_time_in_words, people(content))


def _time_in_words(found: re.Match[str]) -> str:
    try:
        return f"{_EPOCH + timedelta(seconds=int(found[1])):%Y-%m-%d %H:%M UTC}"
    except OverflowError:
        return found[0]


def emoji_of(text: str) -> Json:
    """Return an emoji, written as its character or as <:name:id>; a standard one has the id ""."""
    if custom := _CUSTOM.fullmatch(text):
        ending = "gif" if custom["animated"] else "png"
        return {
            "id": custom["id"],
            "name": custom["name"],
            "code": custom["name"],
            "isAnimated": bool(custom["animated"]),
            "imageUrl": f"{_CDN}/emojis/{custom['id']}.{ending}",
        }
    points = [point for point in map(ord, text) if "\u200d" in text or point not in _JOINERS]
    picture = "-".join(f"{point:x}" for point in points)
    return {"id": "", "name": text, "code": text, "isAnimated": False, "imageUrl": f"{_PICTURES}/{picture}.svg"}


def sticker_of(sticker: Json) -> Json:
    """Return a sticker."""
    name, ending = _STICKER_FORMATS.get(sticker.get("format_type", 1), ("Png", "png"))
    source = f"{_CDN}/stickers/{sticker.get('id')}.{ending}"
    return {"id": sticker.get("id"), "name": sticker.get("name") or "", "format": name, "sourceUrl": source}


def embed_of(embed: Json) -> Json:
    """Return an embed; its parts are there only where it has them."""
    found: Json = {
        "title": embed.get("title") or "",
        "url": embed.get("url"),
        "timestamp": embed.get("timestamp"),
        "description": embed.get("description") or "",
    }
    if isinstance(color := embed.get("color"), int):
        found["color"] = f"#{color & 0xFFFFFF:06X}"
    if author := _part(embed, "author"):
        found["author"] = {"name": author.get("name"), "url": author.get("url")} | _icon(author)
    for name in ("thumbnail", "image", "video"):
        if part := _part(embed, name):
            found[name] = _picture(part)
    if footer := _part(embed, "footer"):
        found["footer"] = {"text": footer.get("text") or ""} | _icon(footer)
    return found | {
        "images": [found["image"]] if "image" in found else [],
        "fields": [
            {"name": one.get("name") or "", "value": one.get("value") or "", "isInline": bool(one.get("inline"))}
            for one in embed.get("fields") or []
            if isinstance(one, dict)
        ],
        "inlineEmojis": [],
    }


def _part(embed: Json, name: str) -> Json:
    part = embed.get(name)
    return part if isinstance(part, dict) else {}


def _icon(part: Json) -> Json:
    url = part.get("icon_url")
    return {"iconUrl": url, "iconCanonicalUrl": url} if url else {}


def _picture(part: Json) -> Json:
    url = part.get("url")
    return {"url": url, "canonicalUrl": url, "width": part.get("width"), "height": part.get("height")}
