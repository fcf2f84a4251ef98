"""Which messages one repeats something of, as Discord names them, and where in its metadata that is."""

from typing import Any

import pytest

from adapters.discord.convert.copies import copies
from adapters.records import MetadataPath, Original

SOURCE = {"guild_id": "1", "channel_id": "2", "message_id": "3"}
QUOTE = {"description": "https://discord.com/channels/1/2/3"}


@pytest.mark.parametrize(
    ("kind", "metadata", "paths"),
    [
        ("default", {"flags": 2, "reference": SOURCE}, [()]),
        ("default", {"reference": SOURCE, "forward": {"content": "x"}}, [("forward",)]),
        ("poll_result", {"reference": SOURCE, "embeds": [{}]}, [("embeds",)]),
        ("default", {"embeds": [{}, QUOTE], "components": [QUOTE]}, [("embeds", 1), ("components", 0)]),
        ("default", {"forward": {"embeds": [QUOTE]}}, [("forward", "embeds", 0)]),
        ("pins_add", {"reference": SOURCE}, []),
        ("default", {"flags": 2, "reference": {"channel_id": "2"}}, []),
        ("default", {"flags": 2, "mentions": ["3"]}, []),
        ("default", {"embeds": [{"url": "/channels/1/2/" + "3" * 21}, "odd", None], "forward": {"forgotten": 1}}, []),
    ],
)
def test_each_way_to_repeat_another_message(kind: str, metadata: dict[str, Any], paths: list[MetadataPath]) -> None:
    found = copies(kind, metadata)
    assert [copy.path for copy in found] == paths
    assert {copy.original for copy in found} <= {Original("1", "2", "3")}
