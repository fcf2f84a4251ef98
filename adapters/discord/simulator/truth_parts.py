"""The parts of a message's metadata, as docs/discord-mapping.md, section 3, lists them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from adapters.discord.simulator.truth_scrub import Hash, Name, scrub

Row: TypeAlias = dict[str, Any]


def kept(pairs: Row, *unless_zero: str) -> Row:
    """Return what of an object is there at all: no null, no false, nothing empty; zero only where it says something."""
    there = {key: value for key, value in pairs.items() if value is not None and value is not False}
    there = {key: value for key, value in there.items() if value not in ("", [], {})}
    return {key: value for key, value in there.items() if key not in unless_zero or value != 0}


@dataclass
class Reader:
    """Reads one payload: knows whose names its texts may hold."""

    hash_of: Hash
    names: list[Name] = field(default_factory=list)

    def text(self, value: Any) -> str | None:
        """Return a text leaf."""
        return scrub(value, self.names, self.hash_of) if isinstance(value, str) else None

    def texts(self, source: Row, *keys: str) -> Row:
        """Return some text leaves of an object."""
        return {key: self.text(source.get(key)) for key in keys}

    def user(self, source: Row | None) -> str | None:
        """Return the hash of a user object's id."""
        return self.hash_of(source["id"]) if source and source.get("id") else None

    # What may hang on a message

    def embed(self, source: Row) -> Row:
        author, footer = source.get("author") or {}, source.get("footer") or {}
        byline = self.texts(author, "name", "url", "icon_url")
        if _shows_user(byline["icon_url"]) or _shows_user(byline["url"]):
            del byline["name"]
        foot = self.texts(footer, "text", "icon_url")
        if _shows_user(foot["icon_url"]):
            del foot["text"]
        video = source.get("video") or {}
        return kept(
            self.texts(source, "type", "title", "description", "url", "timestamp")
            | {
                "color": source.get("color"),
                "footer": kept(foot),
                "image": self._picture(source.get("image")),
                "thumbnail": self._picture(source.get("thumbnail")),
                "video": kept(self.texts(video, "url") | _same(video, "width", "height")),
                "provider": kept(self.texts(source.get("provider") or {}, "name", "url")),
                "author": kept(byline),
                "fields": each(source.get("fields"), self._field),
            }
        )

    def _picture(self, source: Row | None) -> Row:
        source = source or {}
        return kept(self.texts(source, "url", "description") | _same(source, "width", "height"))

    def _field(self, source: Row) -> Row:
        return kept(self.texts(source, "name", "value") | _same(source, "inline"))

    def emoji(self, source: Row | None) -> Row:
        source = source or {}
        return kept(self.texts(source, "name") | _same(source, "id", "animated"))

    def component(self, source: Row) -> Row:
        plain = ("type", "id", "style", "disabled", "spoiler", "divider", "spacing", "accent_color")
        shape = _same(source, *plain, "min_values", "max_values")
        shape |= self.texts(source, "label", "url", "placeholder", "content", "description")
        shape["emoji"] = self.emoji(source.get("emoji"))
        shape["options"] = each(source.get("options"), self._option)
        shape["items"] = each(source.get("items"), self._item)
        shape["default_values"] = each(source.get("default_values"), self._default)
        shape["components"] = each(source.get("components"), self.component)
        for key in ("media", "file"):
            shape[key] = kept(self.texts(source.get(key) or {}, "url"))
        for key in ("accessory", "component"):
            shape[key] = self.component(source[key]) if source.get(key) else None
        return kept(shape)

    def _option(self, source: Row) -> Row:
        texts = self.texts(source, "label", "value", "description")
        return kept(texts | _same(source, "default") | {"emoji": self.emoji(source.get("emoji"))})

    def _item(self, source: Row) -> Row:
        media = kept(self.texts(source.get("media") or {}, "url"))
        return kept(self.texts(source, "description") | _same(source, "spoiler") | {"media": media})

    def _default(self, source: Row) -> Row:
        chosen = self.hash_of(source["id"]) if source.get("type") == "user" else source.get("id")
        return kept({"id": chosen, "type": source.get("type")})

    def sticker(self, source: Row) -> Row:
        return kept(self.texts(source, "name") | _same(source, "id", "format_type"))

    def poll(self, source: Row | None) -> Row:
        if not source:
            return {}
        results = source.get("results") or {}
        return kept(
            {
                "question": self.text((source.get("question") or {}).get("text")),
                "answers": each(source.get("answers"), self._answer),
                "finalized": results.get("is_finalized"),
                "counts": each(results.get("answer_counts"), lambda one: kept(_same(one, "id", "count"))),
            }
            | _same(source, "expiry", "allow_multiselect", "layout_type")
        )

    def _answer(self, source: Row) -> Row:
        media = source.get("poll_media") or {}
        shown = self.emoji(media.get("emoji"))
        shown.pop("animated", None)
        return kept({"id": source.get("answer_id"), "text": self.text(media.get("text")), "emoji": shown})

    def file_facts(self, source: Row) -> Row:
        """Return what the metadata of an attachment holds."""
        hidden = str(source.get("filename", "")).startswith("SPOILER_") or (source.get("flags") or 0) & 8 != 0
        facts = _same(source, "width", "height", "duration_secs", "flags", "ephemeral") | {"spoiler": hidden}
        return kept(self.texts(source, "title", "description") | facts, "flags")


def _same(source: Row, *keys: str) -> Row:
    return {key: source.get(key) for key in keys}


def each(sources: Iterable[Row] | None, read: Callable[[Row], Row]) -> list[Row]:
    """Return a list's elements, one by one; none where there is no list."""
    return [read(source) for source in sources or ()]


def _shows_user(text: str | None) -> bool:
    return bool(text) and "user:" in str(text)
