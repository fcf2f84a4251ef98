"""The layout of the house: packages are entered by their doors, files are readable, tests share by tests/support."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("bot", "storage", "adapters")
FEWEST_LINES, MOST_LINES = 25, 250
DOORS = ("__init__.py", "__main__.py")
PACKAGES_BEHIND_A_DOOR = {
    "adapters.discord.rest",
    "adapters.discord.gateway",
    "adapters.discord.convert",
    "bot.api",
    "bot.check",
    "bot.export",
    "bot.html_export",
    "bot.live",
    "bot.mcp",
    "bot.pages",
    "bot.sync",
    *(f"storage.{folder.name}" for folder in (ROOT / "storage").iterdir() if (folder / "__init__.py").exists()),
}


def modules_of(*folders: str) -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of every module in these folders."""
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), file


def imports_of(file: Path) -> Iterator[str]:
    """Yield the full name of all that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def test_no_test_imports_a_test() -> None:
    shared = ("tests.support.", "tests.benchmarks.", "tests.simulation.")
    found = [
        f"{name} imports {imported}"
        for name, file in modules_of("tests")
        for imported in imports_of(file)
        if imported.startswith("tests.") and not imported.startswith(shared)
    ]
    assert not found, "\n".join(found)


def test_files_have_a_readable_size() -> None:
    lines = {
        file.relative_to(ROOT): len(file.read_text().splitlines())
        for _, file in modules_of(*ROOMS, "tests")
        if file.name not in DOORS and file.parent.name != "versions"
    }
    too_long = [f"{name}: {count}" for name, count in lines.items() if count > MOST_LINES]
    too_short = [f"{name}: {count}" for name, count in lines.items() if count < FEWEST_LINES and name.parts[0] in ROOMS]
    assert not too_long + too_short


def test_a_package_is_entered_by_its_door() -> None:
    found = [
        f"{name} imports {imported}"
        for name, file in modules_of(*ROOMS)
        for imported in imports_of(file)
        for package in PACKAGES_BEHIND_A_DOOR
        if not f"{name}.".startswith(f"{package}.") and is_past_the_door(imported, package)
    ]
    assert not found, "\n".join(found)


def is_past_the_door(imported: str, package: str) -> bool:
    """Whether a name is that of a module in the package, or in one of those, and not handed out by the door."""
    if not imported.startswith(f"{package}."):
        return False
    first, *deeper = imported.removeprefix(f"{package}.").split(".")
    return is_module(f"{package}.{first}") and (bool(deeper) or first not in handed_out_by(package))


@cache
def handed_out_by(package: str) -> set[str]:
    """Return what a door lists in its ``__all__``."""
    door = ROOT.joinpath(*package.split("."), "__init__.py")
    for node in ast.parse(door.read_text()).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return set(ast.literal_eval(node.value))
    return set()
