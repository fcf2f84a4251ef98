"""Every acceptance criterion has its row, its tests and its wrong behaviours, and what the documents name is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {1: 6, 2: 4, 3: 4, 4: 5, 5: 6, 6: 5, 7: 5, 8: 5, 9: 5, 10: 5, 11: 5, 12: 5, 13: 5, 14: 5, 15: 5}
CRITERIA = [f"{requirement}.{n}" for requirement, count in NUMBERS.items() for n in range(1, count + 1)]
ROW = re.compile(r"^\| (\d+\.\d+) [^|]+\| ([^|]+) \| ([^|]+) \| [^|]*\|$", re.MULTILINE)
SECTION = re.compile(r"^## (\d+\.\d+) .+\n\n((?:- .+\n)+)", re.MULTILINE)
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
TEST = re.compile(r"`([^`:]+)::([\w:]+)`")

REQUIREMENTS = (ROOT / "docs/requirements.md").read_text()
ROWS = {criterion: (where, tests) for criterion, where, tests in ROW.findall(REQUIREMENTS)}
LISTS = SECTION.findall((ROOT / "docs/wrong-behaviours.md").read_text())
WRONG = {criterion: items.splitlines() for criterion, items in LISTS}
FAULTS = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+`) \|$", (ROOT / "docs/handover.md").read_text(), re.MULTILINE)


def test_every_criterion_has_its_row_and_its_wrong_behaviours_in_order() -> None:
    assert list(ROWS) == CRITERIA
    assert list(WRONG) == CRITERIA


@pytest.mark.parametrize("criterion", CRITERIA)
def test_what_a_row_names_is_there(criterion: str) -> None:
    where, tests = ROWS[criterion]
    for module in re.findall(r"`([^`]+)`", where):
        assert (ROOT / module).exists(), f"there is no {module}"
    assert 1 <= len(TEST.findall(tests)) <= 2, "one test or two"
    assert_exist(tests)


def test_every_fault_of_others_has_tests_that_are_there() -> None:
    assert len(FAULTS) == len(dict(FAULTS)) == 20
    for _, tests in FAULTS:
        assert_exist(tests)


@pytest.mark.parametrize("criterion", CRITERIA)
def test_a_criterion_has_two_different_wrong_behaviours(criterion: str) -> None:
    assert len(set(WRONG[criterion])) == len(WRONG[criterion]) >= 2


def assert_exist(tests: str) -> None:
    """Hold that text names at least one test, and none that is not there."""
    named = TEST.findall(tests)
    assert named
    for file, name in named:
        assert name in names_in(ROOT / file), f"there is no {name} in {file}"


@cache
def names_in(file: Path) -> set[str]:
    """The functions of a file, those of a class with its name before them."""
    found: set[str] = set()
    for one in ast.parse(file.read_text()).body:
        if isinstance(one, ast.ClassDef):
            found |= {f"{one.name}::{inner.name}" for inner in one.body if isinstance(inner, FUNCTION)}
        elif isinstance(one, FUNCTION):
            found.add(one.name)
    return found
