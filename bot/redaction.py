"""What must never reach a log is taken out of every record on its way there: secrets, user ids, payloads.

Our own records carry ids of channels, tenants and messages as fields, and nothing of people. What a library or an
exception says is not ours to know: there every long number goes, and every dump of an object.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from copy import copy
from datetime import date, timedelta
from enum import Enum
from typing import Any
from urllib.parse import quote, quote_plus

import yarl

_OURS = ("bot", "storage", "adapters")
_SHOWN_IDS = frozenset({"channel", "channel_id", "tenant", "tenant_id", "message_id", "job", "job_id"})
_OF_EACH_LINE = frozenset({"timestamp", "level", "logger"})
_EXCEPTION_TEXTS = frozenset({"exception", "stack"})
_PLAIN = (str, int, float, BaseException, type, Enum, date, timedelta, yarl.URL)  # not dumps of objects

_HIDDEN = "***"
_SHORTEST_SECRET = 4  # hiding "a" would hide everything

# With the scheme where one is named: Bot and Bearer are Discord's, https://discord.com/developers/docs/reference#authentication
_AUTHORIZATION = re.compile(
    r"""(?i)(\bauthorization\b['"]?\s*[:=,]\s*(?:b?['"])?|\b(?:bearer|basic|bot)\s+(?=[\w.~+/=-]{16}))"""
    r"""(?:(?:bearer|basic|bot)\s+)?[^\s'",;)}\]]+"""
)
_ID = re.compile(r"[0-9]{15,}")  # snowflakes; what is longer is none, but may hold one
_LEAST_ID = 10**14
_LONGEST_WORD = 20  # letters alone
_MENTION = re.compile(r"<@[^<>\s]*>")
_CURSOR = re.compile(r"\b(after|before|around)=[0-9]+")  # the pages of a reaction begin at user ids
# Each pattern consumes its text even where nothing is removed, so that no part is scanned twice.
_ADDRESS = re.compile(r"""(\bhttps?://[^\s?'"<>]+)(\?[^\s'"<>]*)?""")
_PERSON = re.compile(r"<(?:Client)?(?:User|Member|Message|Webhook|Thread)\b")
_BRACKETS = re.compile(r"[\[{][\s\[{]*")
_SOURCE = re.compile(r"""^(?:[^\S\n]|\|)*File "[^"\n]*", line [0-9]+, in [^\n]*(?:\n[^\n]*)?""", re.MULTILINE)


class LogRedactor:
    """A structlog processor that takes out secrets and ids; the last one before a record is rendered."""

    def __init__(self, secrets: Iterable[str] = (), user_id_patterns: Iterable[str] = ()) -> None:
        """``user_id_patterns`` are those of the platforms, as regular expressions.

        Numbers of 15 digits go in any case. Shorter ones, and words of fewer than 20 letters alone, stay: they may be
        anything.
        """
        patterns = "|".join(f"(?:{pattern})" for pattern in sorted({*user_id_patterns}))
        self._user_ids = re.compile(rf"(?<!\w)(?:{patterns})(?!\w)", re.ASCII) if patterns else None
        spellings = {form for secret in secrets if len(secret) >= _SHORTEST_SECRET for form in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if spellings else None

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Clean every value of a record, and the names of its fields."""
        is_ours = str(event.get("logger", "")).partition(".")[0] in _OURS
        return {
            self._name(str(key)): value if key in _OF_EACH_LINE else self._field(str(key), value, is_ours)
            for key, value in event.items()
        }

    def text(self, text: str, *, is_ours: bool) -> str:
        """Return a text without what it must not hold."""
        return _peopleless(self._secretless(text)) if is_ours else self._dumpless(self._secretless(text))

    def exception(self, text: str) -> str:
        """Clean a traceback: what an exception says like a library's text, while the lines of the source are kept."""
        text = self._secretless(text)
        texts, places = _SOURCE.split(text), _SOURCE.findall(text)
        cleaned = [self._dumpless(texts[0])]
        for place, text_between in zip(places, texts[1:], strict=True):
            cleaned += [self._idless(_peopleless(place)), self._dumpless(text_between)]
        return "".join(cleaned)

    def _name(self, key: str) -> str:
        return self._idless(self._secretless(key))

    def _idless(self, text: str) -> str:
        text = _ID.sub("<id>", text)
        return self._user_ids.sub(_hide_id, text) if self._user_ids else text

    def _dumpless(self, text: str) -> str:
        text = _ADDRESS.sub(lambda found: f"{found[1]}?<query>" if found[2] else found[0], text)
        text = "\n".join(map(_objectless, _payloadless(text).split("\n")))
        return self._idless(_peopleless(text))

    def _secretless(self, text: str) -> str:
        if self._secrets is not None:
            text = self._secrets.sub(_HIDDEN, text)
        return _AUTHORIZATION.sub(rf"\1{_HIDDEN}", text)

    def _field(self, key: str, value: Any, is_ours: bool) -> Any:
        if key in _EXCEPTION_TEXTS:
            return self.exception(str(value))
        if is_ours:
            return self._our_value(key, value)
        return self._foreign_value(value)

    def _foreign_value(self, value: Any) -> Any:
        if value is None or isinstance(value, (int, float)):
            return _number(value)
        if not isinstance(value, _PLAIN):
            return f"<{type(value).__name__}>"
        return self.text(str(value), is_ours=False)

    def _our_value(self, key: str, value: Any) -> Any:
        if value is None or isinstance(value, (int, float)):
            return value if key in _SHOWN_IDS else _number(value)
        if isinstance(value, Mapping):
            return {self._name(str(k)): self._our_value(str(k), v) for k, v in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
            return [self._our_value(key, item) for item in value]
        text = self.text(str(value), is_ours=True)
        return text if key in _SHOWN_IDS else self._idless(text)


def without_dumps(record: logging.LogRecord) -> logging.LogRecord:
    """Return a library's record with nothing but plain values to fill into its message."""
    if record.name.partition(".")[0] in _OURS or not record.args:
        return record
    cleaned = copy(record)
    if isinstance(record.args, Mapping):
        cleaned.args = {key: _plain(value) for key, value in record.args.items()}
    else:
        cleaned.args = tuple(map(_plain, record.args))
    return cleaned


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, _PLAIN) else f"<{type(value).__name__}>"


def _number(value: float | None) -> float | str | None:
    return "<id>" if value is not None and abs(value) >= _LEAST_ID else value


def _hide_id(found: re.Match[str]) -> str:
    """Hide what has the form of a user's id, and is neither a short number nor a word."""
    text = found[0]
    is_telling = len(text) >= _LONGEST_WORD or re.search("[^A-Za-z]", text)
    return "<id>" if is_telling and not text.isdecimal() else text


def _payloadless(text: str) -> str:
    """Remove text from what looks like the start of a container to the last bracket that may close it."""
    clean, done = list[str](), 0
    for brackets in _BRACKETS.finditer(text):
        if brackets.start() >= done and text[brackets.end() : brackets.end() + 1] in ("'", '"'):
            clean += (text[done : brackets.start()], "<payload>")
            done = max(text.rfind("]", brackets.end()), text.rfind("}", brackets.end())) + 1
            if not done:
                return "".join(clean)
    return "".join([*clean, text[done:]])


def _objectless(line: str) -> str:
    """Remove the dump of a Discord object from a line, up to the last bracket that may close it."""
    begins = _PERSON.search(line)
    end = line.rfind(">", begins.end()) if begins else -1
    return f"{line[: begins.start()]}<object>{line[end + 1 :]}" if begins and end >= 0 else line


def _peopleless(text: str) -> str:
    return _CURSOR.sub(r"\1=<id>", _MENTION.sub("<@id>", text))


def _spellings(secret: str) -> Iterable[str]:
    """Spell a secret as it is, and as it looks inside a URL, a repr or JSON."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield repr(secret)[1:-1]
    yield ascii(secret)[1:-1]
    yield repr(secret.encode())[2:-1]
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
