"""Archived text as people wrote it: its markdown as HTML, of which nothing is theirs but the words.

HTML in a text is text. Links lead to web addresses only. Headings and quotes keep their look, not their rank: they
are no part of the page's own order.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markupsafe import Markup

from bot.pages.addresses import Addresses
from bot.pages.emoji import Pictures
from bot.pages.markup_rules import add_rules, tag_in_words

_BLOCKS = ("blockquote", "fence", "heading", "list")
_INLINE = ("newline", "escape", "backticks", "strikethrough", "emphasis", "link", "autolink")
_SAFE = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_TAG = re.compile(r"<[^<>\s]{1,200}>")
_CHANNEL = re.compile(r"<#([0-9]{1,19})>")
_HASH = re.compile(r"(?<![0-9a-zA-Z=/])([0-9a-f]{8})[0-9a-f]{56}(?![0-9a-zA-Z])")
_MARKS = re.compile(r"[\[\]\\|_*~`<>!(&:\n]")
_MOST_MARKS = 600  # a text of nothing but these takes the parser long, and serves to hold others up
_QUOTE, _QUOTE_REST, _FENCE = "> ", ">>> ", "```"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a text stands: where its links lead to, and the names of the channels that it mentions, by their ids.

    ``pictures`` gives the addresses of custom emoji; None: they are shown by their names.
    """

    addresses: Addresses
    names: Mapping[str, str | None] = field(default_factory=dict)
    pictures: Pictures | None = None


def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"breaks": True, "html": False}).enable([*_BLOCKS, *_INLINE])
    parser.validateLink = _is_safe  # type: ignore[method-assign,assignment] # how the library wants it replaced
    add_rules(parser)
    parser.render("*a*")  # the first use puts the rules together, which two threads at once may not
    return parser


def _is_safe(address: str) -> bool:
    return _SAFE.match(address) is not None


_PARSER = _parser()


def as_html(text: str, place: Place) -> Markup:
    """Render a text with its markdown; one that consists of marks or of ends of lines as it is."""
    if sum(1 for _ in _MARKS.finditer(text)) > _MOST_MARKS:
        return Markup("<p>{}</p>").format(Markup("<br>").join(text.split("\n")))
    return Markup(_PARSER.render(_with_ended_quotes(text), {"place": place}))  # noqa: S704 # the parser escapes it


def as_words(text: str, place: Place) -> str:
    """Return a text in one line without its tags, such as a name or the beginning of a message that is quoted."""
    words = _TAG.sub(lambda found: tag_in_words(found[0], place.names) or found[0], text)
    return " ".join(_HASH.sub(r"\1", words).split())


def channels_named(text: str) -> list[str]:
    """List the platform's ids of the channels that a text mentions."""
    return _CHANNEL.findall(text)


def _with_ended_quotes(text: str) -> str:
    """End a quote with its line, as the platforms do; ``>>> `` quotes all that follows."""
    lines: list[str] = []
    in_code = rest_is_quoted = False
    for line in text.split("\n"):
        if not in_code and not rest_is_quoted and line.startswith(_QUOTE_REST):
            rest_is_quoted, line = True, line.removeprefix(_QUOTE_REST)
        is_quoted = rest_is_quoted or line.startswith(_QUOTE)
        if lines and not in_code and not is_quoted and lines[-1].startswith(_QUOTE):
            lines.append("")
        lines.append(f"{_QUOTE}{line}" if rest_is_quoted else line)
        in_code ^= line.count(_FENCE) % 2 == 1
    return "\n".join(lines)
