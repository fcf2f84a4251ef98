"""What service tests share."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def migrated_archive(request: pytest.FixtureRequest, sqlite_template: Path) -> None:
    """Put an empty archive at the newest schema where a test has its own: migrations have tests of their own."""
    if "tmp_path" in request.fixturenames and "database_url" not in request.fixturenames:
        shutil.copy(sqlite_template, request.getfixturevalue("tmp_path") / "archive.db")
