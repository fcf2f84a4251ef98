"""Texts for people: descriptions of a field's valid values, counts, pseudonyms, and what is to be read again or why."""

import errno
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from storage.repair import Gap, GapReason, RefetchKind

_KINDS = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
}


REPAIRS_IN_WORDS = {
    RefetchKind.REFETCH: "single messages that are known to have changed",
    RefetchKind.GAP: "messages that may have changed unseen and were sent from a day before that on (where older ones "
    "are few, those too)",
    RefetchKind.WINDOW: "older messages that may have changed unseen",
    RefetchKind.AUDIT: "all messages, for an audit",
}
"""What ranges of a kind hold."""

GAPS_IN_WORDS = {
    GapReason.PROCESS_DOWN: "no process was connected",
    GapReason.SESSION_LOST: "the platform began a new session",
    GapReason.TAKEOVER: "another process took over",
    GapReason.OUTAGE: "the platform had an outage",
    GapReason.LEFT: "the bot was not in it",
    GapReason.STOPPED: "its syncs were stopped",
}
"""Why changes were not received."""

_PSEUDONYM_DIGITS = 8
_PERSON = re.compile(r"(?P<mention><@)?\b(?P<short>[0-9a-f]{8})[0-9a-f]{56}\b(?(mention)>|)")


def pseudonym(author_hash: str) -> str:
    """Shorten a person's hash to what people can tell apart."""
    return author_hash[:_PSEUDONYM_DIGITS]


def people(text: str) -> str:
    """Shorten the pseudonyms of people in a text, such as a name; who is mentioned stays marked by an @."""
    return _PERSON.sub(lambda found: ("@" if found["mention"] else "") + found["short"], text)


def counted(count: int, one: str) -> str:
    """Write a count with its noun, as in "1 reply" and "16 replies"."""
    many = f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return f"{count:,} {one if count == 1 else many}"


_TROUBLE = {
    errno.ENOENT: "there is no such file or folder",
    errno.EACCES: "this user may not read or write it",
    errno.EPERM: "this user may not read or write it",
    errno.EISDIR: "it is a folder: give a file",
    errno.ENOTDIR: "it is a file, or below one: give a folder",
    errno.EEXIST: "it is a file, or below one: give a folder",
}


def trouble_in_words(error: OSError) -> str:
    """Say what the system could not do, and with which file."""
    words = _TROUBLE.get(error.errno or 0) if error.filename else None
    said = words or error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said


def repairs_in_words(left: Mapping[RefetchKind, int], gaps: Iterable[Gap]) -> str:
    """Describe what is to be read again, the most urgent part first, and last the gaps that no sync has looked at."""
    parts = [f"{counted(left[kind], 'range')} of {REPAIRS_IN_WORDS[kind]}" for kind in RefetchKind if left.get(kind)]
    unplanned = [gap for gap in gaps if gap.planned_at is None]
    if ended := sum(gap.ended_at is not None for gap in unplanned):
        parts.append(f"what may have changed during {counted(ended, 'gap')}, as the next sync finds out")
    if len(unplanned) > ended:
        parts.append("what changes during a gap that is still open, once it has ended")
    return "; then ".join(parts) or "nothing is to be read again"


def wrong_fields(
    model: type[BaseModel], error: ValidationError, *, whole: str, hidden: Collection[str] = ()
) -> Iterator[tuple[str, str]]:
    """List each invalid field of a model once, with its valid values; never quote the value, which may be secret.

    Args:
        model: the model that validated the values.
        error: the validation error.
        whole: a description of all the fields together, as in "a table".
        hidden: fields that are not listed among the known ones.

    Returns:
        Pairs of the field's name (empty for the whole) and the description.
    """
    schema, named = model.model_json_schema(), set[str]()
    fields = schema.get("properties", {})
    for found in error.errors(include_url=False, include_input=False):
        name, kind = str(found["loc"][0]) if found["loc"] else "", found["type"]
        if name in named:
            continue
        named.add(name)
        if kind == "extra_forbidden":
            known = ", ".join(field for field in fields if field not in hidden)
            yield name, f"no such key; there are {known}" if known else "no such key"
        elif kind in ("value_error", "json_invalid"):
            yield name, found["msg"].removeprefix("Value error, ").removeprefix("Invalid JSON: ")
        else:
            allowed = f"must be {describe(fields[name], schema) if name in fields else whole}"
            is_absent = kind == "missing" and len(found["loc"]) == 1
            yield name, f"is missing: it {allowed}" if is_absent else allowed


def describe(part: dict[str, Any], schema: dict[str, Any]) -> str:
    """Describe the values that a part of a JSON schema allows, as in "a whole number from 0 to 65535"."""
    if "$ref" in part:
        return describe(schema["$defs"][part["$ref"].rsplit("/", 1)[1]], schema)
    if "anyOf" in part:
        return " or ".join(describe(one, schema) for one in part["anyOf"] if one.get("type") != "null")
    if "enum" in part or "const" in part:
        return _one_of(part.get("enum") or [part["const"]])
    kind = part.get("type")
    if kind == "array":
        return _list(part, schema)
    if kind == "string":
        return _text(part)
    return _KINDS.get(str(kind), "of another kind") + _bounds(part)


def _one_of(values: list[Any]) -> str:
    *rest, last = map(repr, values)
    return f"{', '.join(rest)} or {last}" if rest else last


def _text(part: dict[str, Any]) -> str:
    if "pattern" in part:
        examples = part.get("examples")
        like = f"like {examples[0]}, " if examples else ""
        return f"a text {like}matching {part['pattern']}"
    if "maxLength" in part:
        return f"a text of at most {part['maxLength']} characters"
    return _KINDS["string"]


def _list(part: dict[str, Any], schema: dict[str, Any]) -> str:
    if "prefixItems" in part:
        items = [describe(item, schema) for item in part["prefixItems"]]
        return f"a list of {len(items)} values: {', then '.join(items)}"
    return f"a list of values, each of them {describe(part['items'], schema)}"


def _bounds(part: dict[str, Any]) -> str:
    least, most, above = part.get("minimum"), part.get("maximum"), part.get("exclusiveMinimum")
    if least is not None and most is not None:
        return f" from {least} to {most}"
    bounds = [("above", above), ("of at least", least), ("of at most", most)]
    return "".join(f" {words} {bound}" for words, bound in bounds if bound is not None)
