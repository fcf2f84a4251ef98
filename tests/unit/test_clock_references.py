"""The simulation replaces the clocks of ``time``: what keeps a reference to the real one would live in another time."""

import re
from pathlib import Path

import pytest

ROOMS = ("adapters", "bot", "storage")
_KEPT = re.compile(r"\btime\.(monotonic|time|perf_counter)\b(?!\()|from time import")


@pytest.mark.parametrize("room", ROOMS)
def test_clocks_are_called_and_not_kept(room: str) -> None:
    kept = [str(path) for path in Path(room).rglob("*.py") if _KEPT.search(path.read_text())]
    assert kept == [], "write ``lambda: time.monotonic()``: a default is bound when its module is imported"
