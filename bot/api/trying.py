"""The forms of the description's page by which a call is tried out: one a call, filled with its examples.

Without the page's script they stay hidden, and everything else can be read.
"""

import json
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("docs.js").read_text(encoding="utf-8")
"""The page's own script; it sends what a form holds to this server, and shows the answer as text."""
SCRIPT_PATH = "/docs.js"

FIELD_OF_THE_KEY = (
    '<p class="with-script" hidden><label>Token for trying calls out, kept by this page only while it is open: '
    '<input id="token" type="password" autocomplete="off"></label></p>'
)

_Json = Mapping[str, Any]
_ASKS = "This deletes or cancels something."


def try_form(method: str, path: str, call: _Json, schemas: _Json) -> str:
    """Write the form of a call."""
    asks = (
        f' data-asks="{_ASKS}"'
        if method == "delete" or (path.endswith("/forgotten-users") and method == "post")
        else ""
    )
    fields = "".join(map(_field, call.get("parameters", ())))
    return (
        f'<form class="try" hidden data-method="{method.upper()}" data-path="{escape(path)}"{asks}>'
        f"{fields}{_body_field(call, schemas)}<button>Try it</button>"
        '<output tabindex="0" aria-label="The answer"></output></form>'
    )


def _field(parameter: _Json) -> str:
    name, schema = escape(parameter["name"]), parameter["schema"]
    example = next(iter(schema.get("examples", ())), None)
    value = f' value="{escape(str(example))}"' if example is not None and parameter["required"] else ""
    hint = f' placeholder="{escape(str(schema["default"]))}"' if schema.get("default") is not None else ""
    required = " required" if parameter["required"] else ""
    return f'<label>{name} <input name="{name}" data-in="{parameter["in"]}"{value}{hint}{required}></label> '


def _body_field(call: _Json, schemas: _Json) -> str:
    if "requestBody" not in call:
        return ""
    reference = call["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    example = dict(_examples(schemas[reference.rpartition("/")[2]], schemas))
    text = escape(json.dumps(example, indent=2))
    return f'<label>body <textarea data-in="body" rows="{len(example) + 2}">{text}</textarea></label>'


def _examples(schema: _Json, schemas: _Json) -> Iterator[tuple[str, object]]:
    """Give an example of each field that has one, or is required."""
    for name, field in schema.get("properties", {}).items():
        field = _resolved(field, schemas)
        if field.get("examples"):
            yield name, field["examples"][0]
        elif field.get("default") is not None:
            yield name, field["default"]
        elif name in schema.get("required", ()):
            yield name, next(iter(field.get("enum", ())), field.get("const", ""))


def _resolved(field: _Json, schemas: _Json) -> _Json:
    if "$ref" not in field:
        return field
    return {**schemas[field["$ref"].rpartition("/")[2]], **field}
