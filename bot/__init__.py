"""The process: what runs when, and how it is operated."""

import tomllib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def program_version() -> str:
    """Return the version that is installed; of a checkout, where nothing of ours is, the one in its pyproject.toml."""
    try:
        return version("platform-sync")
    except PackageNotFoundError:
        project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
        return str(project["version"])
