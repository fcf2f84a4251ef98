"""Every acceptance criterion has its row in docs/requirements.md, and the test it names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRITERIA = {1: 6, 2: 4, 3: 4, 4: 5, 5: 6, 6: 5, 7: 5, 8: 5, 9: 5, 10: 5, 11: 5, 12: 5, 13: 5, 14: 5, 15: 5}
ROW = re.compile(r"^\| (\d+)\.(\d+) [^|]+\| ([^|]+) \| `(tests/[\w/]+\.py)::(\w+)` \|", re.MULTILINE)


def test_every_criterion_has_a_row_whose_modules_and_test_exist() -> None:
    rows = ROW.findall((ROOT / "docs/requirements.md").read_text())
    assert [(int(r), int(c)) for r, c, *_ in rows] == [(r, c) for r, n in CRITERIA.items() for c in range(1, n + 1)]
    for requirement, criterion, modules, file, test in rows:
        where = f"{requirement}.{criterion}"
        for module in re.findall(r"`([^`]+)`", modules):
            assert (ROOT / module).exists(), f"{where}: there is no {module}"
        assert re.search(rf"def {test}\(", (ROOT / file).read_text()), f"{where}: there is no {test} in {file}"
