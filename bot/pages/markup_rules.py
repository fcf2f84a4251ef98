"""What markdown has not: mentions, timestamps, custom emoji, spoilers, bare addresses, underlining."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

from bot.pages.emoji import emoji_as_html

_PSEUDONYM_DIGITS = 8
_TAGS = re.compile(
    r"<(?:@!?(?P<user>[0-9a-f]{64}|forgotten)|@&(?P<role>[0-9]{1,19})|#(?P<channel>[0-9]{1,19})"
    r"|a?:(?P<emoji>[^<>:\s]{1,101}):[0-9]{1,19}|t:(?P<time>-?[0-9]{1,14})(?::(?P<style>[tTdDfFR]))?"
    r"|/(?P<command>[^<>:]{1,100}):[0-9]{1,19}|id:(?P<guide>[a-z-]{1,30}))>"
)
_ADDRESS = re.compile(r"://[^\s<>|]+")
_SCHEME = re.compile(r"https?\Z", re.IGNORECASE)
_NOT_ITS_END = ".,:;!?\"'*_~`"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STYLES = {"t": "%H:%M UTC", "T": "%H:%M:%S UTC", "d": "%Y-%m-%d", "D": "%Y-%m-%d"}

Names = Mapping[str, str | None]


def add_rules(parser: MarkdownIt) -> None:
    """Teach a parser these."""
    parser.inline.add_terminator_char("|")
    parser.inline.ruler.before("autolink", "tag", _tag)
    parser.inline.ruler.push("address", _address)
    parser.inline.ruler.push("spoiler", _spoiler)
    for name, rule in {
        "tag": _render_tag,
        "link_open": _render_link,
        "strong_open": _render_strong,
        "strong_close": _render_strong,
        "heading_open": lambda *_: '<p class="heading">',
        "heading_close": lambda *_: "</p>\n",
    }.items():
        parser.add_render_rule(name, _as_method(rule))


def tag_in_words(tag: str, names: Names) -> str | None:
    """Say what a tag such as ``<#id>`` shows; None where it is none."""
    found = _TAGS.fullmatch(tag)
    return None if found is None else _words(found, names)


def _words(found: re.Match[str], names: Names) -> str:
    if user := found["user"]:
        return "@erased person" if user == "forgotten" else f"@{user[:_PSEUDONYM_DIGITS]}"
    if channel := found["channel"]:
        return f"#{names.get(channel) or 'unknown channel'}"
    if found["role"]:
        return "@role"
    if emoji := found["emoji"]:
        return f":{emoji}:"
    if command := found["command"]:
        return f"/{command}"
    return f"#{found['guide']}" if found["guide"] else _time_in_words(found)


def _time_in_words(found: re.Match[str]) -> str:
    at = _time_of(found)
    return found[0] if at is None else at.strftime(_STYLES.get(found["style"] or "f", "%Y-%m-%d %H:%M UTC"))


def _time_of(found: re.Match[str]) -> datetime | None:
    try:
        return _EPOCH + timedelta(seconds=int(found["time"]))
    except OverflowError:
        return None


def _tag(state: StateInline, silent: bool) -> bool:
    found = _TAGS.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push("tag", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _address(state: StateInline, silent: bool) -> bool:
    """Make a link of an address that stands in the text as it is."""
    scheme, found = _SCHEME.search(state.pending), _ADDRESS.match(state.src, state.pos, state.posMax)
    if scheme is None or found is None or state.linkLevel:
        return False
    rest = _trimmed(found[0])
    if not silent:
        state.pending = state.pending[: scheme.start()]
        address = f"{scheme[0]}{rest}"
        state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(address)}
        state.push("text", "", 0).content = address
        state.push("link_close", "a", -1)
    state.pos += len(rest)
    return True


def _trimmed(address: str) -> str:
    """Leave out what belongs to the sentence around it: marks at its end, a bracket that it did not open."""
    while address[-1] in _NOT_ITS_END or (address[-1] == ")" and address.count(")") > address.count("(")):
        address = address[:-1]
    return address


def _spoiler(state: StateInline, silent: bool) -> bool:
    begin = state.pos + 2
    end = state.src.find("||", begin, state.posMax)
    if not state.src.startswith("||", state.pos) or end <= begin:
        return False
    if not silent:
        state.push("spoiler_open", "span", 1).attrs = {"class": "spoiler", "tabindex": "0", "title": "spoiler"}
        last, state.pos, state.posMax = state.posMax, begin, end
        state.md.inline.tokenize(state)
        state.posMax = last
        state.push("spoiler_close", "span", -1)
    state.pos = end + 2
    return True


Rule = Callable[[Sequence[Token], int, Any], str]


def _as_method(rule: Rule) -> Callable[..., str]:
    """Make a rule to draw a token by; the library calls it as a method of its renderer."""

    def draw(_: object, tokens: Sequence[Token], index: int, __: object, env: Any) -> str:
        return rule(tokens, index, env)

    return draw


def _render_tag(tokens: Sequence[Token], index: int, env: Any) -> str:
    tag, place = tokens[index].content, env["place"]
    found = _TAGS.fullmatch(tag)
    if found is None:
        return str(escape(tag))
    words = _words(found, place.names)
    if found["channel"] in place.names and (address := place.addresses.channel(found["channel"])):
        return str(Markup('<a class="tag" href="{}">{}</a>').format(address, words))
    if found["emoji"] and (drawn := emoji_as_html(tag, place.pictures)):
        return str(drawn)
    if found["time"]:
        at = _time_of(found)
        return str(Markup('<time datetime="{}">{}</time>').format(at.isoformat() if at else "", words))
    return str(Markup('<span class="tag"><bdi>{}</bdi></span>').format(words))


def _render_link(tokens: Sequence[Token], index: int, _: Any) -> str:
    address = tokens[index].attrGet("href")
    return str(Markup('<a href="{}" title="{}" rel="noreferrer nofollow">').format(address, address))


def _render_strong(tokens: Sequence[Token], index: int, _: Any) -> str:
    """Underline what is between two pairs of underscores, which is what they mean in chats."""
    token = tokens[index]
    name = "u" if token.markup == "__" else "strong"
    return f"<{name}>" if token.nesting == 1 else f"</{name}>"
