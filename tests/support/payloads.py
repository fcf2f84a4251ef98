"""Payloads of every shape, with a planted user's id, for the conversion's property tests."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from adapters.privacy import UserHasher

USER = "1098765432109876543"
HASH = UserHasher().of

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from([USER, f"<@{USER}>", f"https://cdn.discordapp.com/avatars/{USER}/a.png", "2026-01-01T00:00:00Z"])
)
KEYS = st.sampled_from(
    """id type author content timestamp edited_timestamp message_reference referenced_message mentions member nick
    attachments embeds reactions components interaction interaction_metadata user target_user poll question answers
    sticker_items message_snapshots message application_id webhook_id thread role_subscription_data flags url filename
    emoji name title footer text icon_url fields value options default_values items media accessory results
    answer_counts poll_media size count count_details burst channel_id message_id parent_id thread_metadata owner_id
    topic available_tags applied_tags permission_overwrites allow deny username global_name""".split()  # noqa: SIM905
)
ODD = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)
PAYLOADS = st.dictionaries(KEYS, ODD, max_size=14)

FAR = ("0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", "9999-12-31T23:59:59Z")
POISON: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 10**5000),
    *(0.5, 1e308, float("nan"), float("inf"), -float("inf")),
    *(
        "",
        "0",
        "007",
        "-5",
        "1" * 19,
        "9" * 30,
        "x" * 12_000,
        "\U0001f468\u200d" * 1500,
        "\x00",
        "\ud800",
        "a\x00b\udfff",
    ),
    *("\\u0000", "https://x.example/?ex=" + "f" * 40, "https://x.example/?ex=3fffffffff"),
    *FAR,
    *([], {}, [None, 1, "x", [[]]], {"id": "9" * 30}, [{"id": -1}] * 3, {"\x00": {"\ud800": 10**40}}),
)
"""Values that some column, index, clock or format cannot hold."""


FILE = {"id": "7", "filename": "x", "size": 1, "url": "https://x.example/?ex=1", "duration_secs": 1.0, "width": 1}


def poisoned(payload: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The payload with each of its values at any depth replaced by each poison in turn."""
    for path in _paths(payload):
        for poison in POISON:
            yield _replaced(payload, path, poison)


def nested(depth: int) -> dict[str, Any]:
    """Components within components."""
    component: dict[str, Any] = {"type": 10, "content": "the innermost"}
    for _ in range(depth):
        component = {"type": 1, "components": [component], "accessory": {"type": 2}}
    return component


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from _paths(part, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], poison: Any) -> Any:
    if not path:
        return poison
    changed = value.copy()
    changed[path[0]] = _replaced(value[path[0]], path[1:], poison)
    return changed
